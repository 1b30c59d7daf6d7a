import { runTests } from './launcher/test-run.mjs';

/*
 * npm test                       everything but what takes long
 * npm test -- e2e/calls          files whose path has this in it; other arguments of Vitest are passed on as well
 */
await runTests(['--project=unit', '--project=integration', '--project=browser', ...process.argv.slice(2)]);
