import { parseArgs } from 'node:util';
import { runTests } from './launcher/test-run.mjs';

/*
 * npm run check:calls -- --minutes 10            people call each other while the fleet is broken again and again
 * npm run check:calls -- --minutes 1 --seed 7    the same choices as another run that printed this seed
 * npm run check:calls -- --brokers 1             on one broker; on three unless told
 */
const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '10' }, seed: { type: 'string' }, brokers: { type: 'string', default: '3' } },
});
for (const [name, value] of Object.entries(values)) {
  if (!(Number(value) > 0)) {
    console.error(`--${name} must be a number above 0, not ${value}`);
    process.exit(2);
  }
}
await runTests(['e2e/call-history/call-history.faults', '-t', 'every rule holds'], {
  projects: ['faults'],
  brokers: Number(values.brokers),
  settings: { CHECK_MINUTES: values.minutes, ...(values.seed && { CHECK_SEED: values.seed }) },
});
