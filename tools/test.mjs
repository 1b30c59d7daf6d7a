import { spawn } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { askControl } from './launcher/control.mjs';
import { startFleet } from './launcher/fleet.mjs';
import { findProgram, provide } from './launcher/infrastructure/packages.mjs';
import { dataFolders, openInstance, root } from './launcher/instance.mjs';
import { Refusal, say } from './launcher/output.mjs';
import { Processes } from './launcher/processes.mjs';
import { pinnedNode } from './launcher/services.mjs';

/** Leases and time-outs short enough to be waited for; everything else as it is shipped. */
const overrides = (ports) => ({
  gateway: { LEASE_MS: '3000', HEARTBEAT_MS: '1000', CONNECT_TIMEOUT_MS: '1500' },
  calls: { CONNECTION_GRACE_MS: '8000' },
  media: { LEASE_MS: '3000', HEARTBEAT_MS: '1000', JOIN_TIMEOUT_MS: '1500' },
  webhooks: { REQUEST_TIMEOUT_MS: '3000', RETRY_SCHEDULE_SECONDS: '0,1,1,1,1,1' },
  notifications: { SMTP_URL: `smtp://127.0.0.1:${ports.smtp}`, MAIL_FROM: 'center@example.com', RETRY_SCHEDULE_SECONDS: '0,1,1,1,1,1' },
});

const instance = openInstance('test');
const report = join(instance.folder, 'report.json');
let fleet;
let failed = false;
const stop = async () => {
  if (fleet) await fleet.stop();
};
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => void stop().then(() => process.exit(1)));

if (await askControl(instance.controlSocket, 'GET', '/status')) {
  console.error('The tests are running already, from this very folder: wait for them, or run them from another clone.');
  process.exit(1);
}

try {
  await new Processes(instance).endLeftovers();
  for (const folder of dataFolders(instance)) rmSync(folder, { recursive: true, force: true });
  rmSync(report, { force: true });
  const find = () => process.env.CHROMIUM || findProgram('chromium') || findProgram('chromium-browser') || findProgram('google-chrome');
  const chromium = provide({ what: 'Chromium, for the browser tests,', find, packages: ['chromium'], variable: 'CHROMIUM' });
  if (chromium === 'compose') throw new Refusal('Chromium is missing: install it, or set CHROMIUM to its path.');
  fleet = await startFleet(instance, { overrides });
  say('running the tests');
  const args = [
    join(root, 'node_modules/vitest/vitest.mjs'),
    'run',
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${report}`,
    ...process.argv.slice(2),
  ];
  const env = {
    ...process.env,
    CENTER_INSTANCE_FILE: instance.stateFile,
    CHROMIUM: chromium,
    NODE_OPTIONS: '--disable-warning=TimeoutNegativeWarning',
  };
  const code = await new Promise((resolve) => spawn(pinnedNode, args, { cwd: root, env, stdio: 'inherit' }).once('exit', resolve));
  failed = code !== 0;
} catch (error) {
  failed = true;
  console.error(error instanceof Refusal ? error.message : error);
} finally {
  await stop();
  // Logs and the report stay for a look; what the servers remembered does not.
  for (const folder of dataFolders(instance)) rmSync(folder, { recursive: true, force: true });
}

const counts = existsSync(report)
  ? JSON.parse(readFileSync(report, 'utf8'))
  : { numPassedTests: 0, numFailedTests: 0, numPendingTests: 0, numFailedTestSuites: 0 };
// A file that could not be loaded ran no test, and counts as one that failed.
const broken =
  counts.testResults?.filter(({ status, assertionResults }) => status === 'failed' && assertionResults.length === 0).length ?? 0;
const failures = Math.max(counts.numFailedTests + broken, failed ? 1 : 0);
console.log(`${counts.numPassedTests} passed, ${failures} failed${counts.numPendingTests ? `, ${counts.numPendingTests} skipped` : ''}`);
process.exit(failures > 0 ? 1 : 0);
