import { runTests } from './launcher/test-run.mjs';

/*
 * npm run check:long    what takes too long for npm test: ten minutes of the call-history checker, and ten minutes without
 *                       PostgreSQL, and the plans of all statements on a long history
 */
await runTests(
  ['--project=integration', 'e2e/call-history/call-history.int.spec.ts', 'e2e/outage.int.spec.ts', 'e2e/history/history.int.spec.ts'],
  {
    settings: { CHECK_MINUTES: '10', OUTAGE_SECONDS: '600', HISTORY_CALLS: '100000' },
  },
);
