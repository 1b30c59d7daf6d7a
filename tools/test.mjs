import { parseArgs } from 'node:util';
import { runTests } from './launcher/test-run.mjs';

/*
 * npm test                                     everything but what takes long
 * npm test -- e2e/calls                        files whose path has this in it; other arguments of Vitest are passed on as well
 * npm test -- --services none libs/event-log   starts only these services (comma-separated), or none, beside the servers
 * npm test -- --replicas 1 e2e/doors           so many of each service, 2 unless told
 * npm test -- --brokers 1                      so many brokers of Kafka: 3 unless told, as in production; 1 where only some services run, or none is broken
 * npm test -- --as-shipped calls               with the leases and time-outs that these services are shipped with, not short ones
 * npm test -- --project unit                   one group, or several: unit, integration, browser, local-faults, faults
 */
const { values, tokens } = parseArgs({
  options: {
    services: { type: 'string' },
    replicas: { type: 'string', default: '2' },
    brokers: { type: 'string' },
    'as-shipped': { type: 'string' },
    project: { type: 'string' },
  },
  strict: false,
  tokens: true,
});
const own = new Set(['services', 'replicas', 'brokers', 'as-shipped', 'project']);
const takenIndexes = new Set(
  tokens
    .filter(({ kind, name }) => kind === 'option' && own.has(name))
    .flatMap(({ index, inlineValue }) => (inlineValue ? [index] : [index, index + 1])),
);
const rest = process.argv.slice(2).filter((_argument, index) => !takenIndexes.has(index));
const projects = values.project?.split(',');
const breaksNone = projects && !projects.includes('faults');
await runTests(rest, {
  projects,
  replicas: Number(values.replicas),
  brokers: Number(values.brokers ?? process.env.CENTER_BROKERS ?? (values.services || breaksNone ? 1 : 3)),
  services: values.services?.split(','),
  asShipped: values['as-shipped']?.split(','),
});
