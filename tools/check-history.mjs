import { parseArgs } from 'node:util';
import { runTests } from './launcher/test-run.mjs';

/*
 * npm run check:history -- --calls 1000000    makes an app with so many calls in the past (100,000 unless told), asks the product
 *                                             for everything it does, and judges the plan of every statement
 */
const { values } = parseArgs({ options: { calls: { type: 'string', default: '100000' } } });
await runTests(['e2e/history/history.int.spec.ts'], {
  projects: ['integration'],
  settings: { HISTORY_CALLS: values.calls },
  replicas: 1,
  brokers: 1,
});
