import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { runTests } from './launcher/test-run.mjs';

/*
 * npm run fuzz -- --minutes 10            hostile frames, datagrams and requests at a running fleet: nothing dies, nothing answers 5xx
 * npm run fuzz -- --minutes 1 --seed 7    the same choices as another run that printed this seed
 * npm run fuzz -- --brokers 3             on so many brokers; on one unless told
 *
 * Requests are also made by schemathesis, of the API's document, where Python can install it.
 */
const version = '4.32.5';
const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '10' }, seed: { type: 'string' }, brokers: { type: 'string', default: '1' } },
});
for (const [name, value] of Object.entries(values)) {
  if (!(Number(value) > 0)) {
    console.error(`--${name} must be a number above 0, not ${value}`);
    process.exit(2);
  }
}

/** @returns the program, in a folder of its own; undefined where there is no Python, or nowhere to get it from. */
function provideSchemathesis() {
  const folder = resolve(import.meta.dirname, '../.run/schemathesis', version);
  const program = join(folder, 'bin/schemathesis');
  if (existsSync(program)) return program;
  const steps = [
    ['python3', ['-m', 'venv', folder]],
    [join(folder, 'bin/pip'), ['install', '--quiet', '--disable-pip-version-check', `schemathesis==${version}`]],
  ];
  const works = steps.every(([command, args]) => spawnSync(command, args, { stdio: 'inherit', timeout: 300_000 }).status === 0);
  if (!works) console.error('schemathesis cannot be installed here: requests are made without it');
  return works && existsSync(program) ? program : undefined;
}

const schemathesis = provideSchemathesis();
await runTests(['e2e/hostile/fuzz.faults'], {
  projects: ['faults'],
  replicas: 1,
  brokers: Number(values.brokers),
  settings: {
    FUZZ_MINUTES: values.minutes,
    ...(values.seed && { FUZZ_SEED: values.seed }),
    ...(schemathesis && { SCHEMATHESIS: schemathesis }),
  },
  // Budgets would keep all but some from the parsers.
  overrides: {
    gateway: {
      FRAMES_PER_SECOND: '100000',
      FRAME_BURST: '100000',
      SIGN_IN_FAILURES_PER_SECOND: '100000',
      SIGN_IN_FAILURE_BURST: '100000',
    },
    media: { FRAMES_PER_SECOND: '100000', FRAME_BURST: '100000' },
  },
});
