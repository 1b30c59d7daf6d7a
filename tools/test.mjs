import { parseArgs } from 'node:util';
import { runTests } from './launcher/test-run.mjs';

/*
 * npm test                                     everything but what takes long
 * npm test -- e2e/calls                        files whose path has this in it; other arguments of Vitest are passed on as well
 * npm test -- --services none libs/event-log   starts only these services (comma-separated), or none, beside the servers
 * npm test -- --replicas 1 e2e/doors           so many of each service, 2 unless told
 */
const { values, tokens } = parseArgs({
  options: { services: { type: 'string' }, replicas: { type: 'string', default: '2' } },
  strict: false,
  tokens: true,
});
const own = new Set(['services', 'replicas']);
const takenIndexes = new Set(
  tokens
    .filter(({ kind, name }) => kind === 'option' && own.has(name))
    .flatMap(({ index, inlineValue }) => (inlineValue ? [index] : [index, index + 1])),
);
const rest = process.argv.slice(2).filter((_argument, index) => !takenIndexes.has(index));
await runTests(['--project=unit', '--project=integration', '--project=browser', ...rest], {
  replicas: Number(values.replicas),
  services: values.services?.split(','),
});
