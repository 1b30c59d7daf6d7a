import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { openInstance, readState } from './launcher/instance.mjs';
import { root } from './launcher/registry.mjs';
import { kafkaSettings, pinnedNode } from './launcher/services.mjs';

/*
 * npm run check:log                compares what is stored with what the topics hold; exits with 1 when something is missing
 * npm run check:log -- --repair    the same, and has it sent again by the services, which must run
 * CENTER_INSTANCE names another instance than the one npm start runs; with DATABASE_URL and KAFKA_BROKERS it is an installation elsewhere.
 */
const { env } = process;
const state = readState(openInstance(env.CENTER_INSTANCE ?? 'dev'));
const known = state?.servers && { PROFILE: 'development', DATABASE_URL: state.servers.database, ...kafkaSettings(state.servers) };
if (!known && !(env.DATABASE_URL && env.KAFKA_BROKERS)) {
  console.error('Nothing runs here (npm start), and DATABASE_URL and KAFKA_BROKERS do not say where it does.');
  process.exit(2);
}
const command = [join(root, 'apps/calls/dist/check-log/check-log.js'), ...process.argv.slice(2)];
const child = spawn(pinnedNode, command, { env: { ...known, ...env }, stdio: 'inherit' });
child.once('exit', (code) => process.exit(code ?? 2));
