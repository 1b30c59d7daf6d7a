import { defineConfig } from 'vitest/config';
import { databaseOnly, logOnly, ownFleets } from './tools/launcher/database-only.mjs';
import { SlowestFirst } from './tools/launcher/slowest-first.mjs';

const notCompiled = ['**/node_modules/**', '**/dist/**'];
/** Files share what they import: loading it anew for each would take half of the processors' time. No test replaces a module. */
const shared = { isolate: false };
const onFleet = { ...shared, testTimeout: 60_000, hookTimeout: 60_000, pool: 'forks' as const };
/**
 * Two cores serve the fleet and the tests; most of a test's time is waiting. Where browsers keep the cores busy, one may miss what it
 * promises within seconds: it is tried once more, with an app of its own, and its line says so. What has the fleet alone is tried once.
 */
const sideBySide = { ...onFleet, maxWorkers: 3, retry: 1, sequence: { groupOrder: 1 } };
const faults = '**/*.{faults,local-faults}.*';
const database = databaseOnly().filter((file) => !ownFleets.includes(file));
/** These need of the fleet its log and its database. */
const log = logOnly();
/** Who breaks PostgreSQL or brokers, or counts what they do: only what is pure, or has servers of its own, runs beside them (tools/launcher/test-run.mjs). */
const ofServers = [
  'e2e/price/price.faults.int.spec.ts',
  'e2e/crashes.faults.int.spec.ts',
  'e2e/restarts.faults.int.spec.ts',
  'e2e/presence.faults.int.spec.ts',
  'e2e/outage.faults.int.spec.ts',
  'e2e/call-history/call-history.faults.int.spec.ts',
];
const alone = { ...onFleet, maxWorkers: 1, fileParallelism: false };

/**
 * A test's group is in its name, and tools/test-groups.spec.ts finds the one that is in a wrong one:
 *
 * `*.spec.ts`             pure: needs no fleet
 * `*.int.spec.ts`         on the fleet, side by side with others: uses an app of its own, breaks nothing that others use; those
 *                         that need PostgreSQL alone, or with the log, are groups of their own, found by what they use
 * `*.e2e.spec.ts`         the same, in browsers
 * `*.local-faults.*`      breaks a service or server that no other file of its group needs, or has leases so short that a crowd
 *                         of other tests would let them run out, or promises within seconds what pages among many
 *                         others would miss: four files at a time
 * `*.faults.*.spec.ts`    has the fleet alone, since it kills, freezes and stops what all need
 */
export default defineConfig({
  test: {
    sequence: { sequencer: SlowestFirst },
    projects: [
      {
        test: {
          name: 'unit',
          ...shared,
          include: ['{apps,libs}/*/src/**/*.spec.ts', '{tools,e2e}/**/*.spec.ts'],
          exclude: ['**/*.int.spec.ts', '**/*.e2e.spec.ts', ...notCompiled],
          // They run beside tests that break a fleet on the same cores.
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'integration',
          include: ['{apps,libs}/*/src/**/*.int.spec.ts', 'e2e/**/*.int.spec.ts'],
          exclude: [faults, ...database, ...log, ...ownFleets, ...notCompiled],
          ...sideBySide,
          setupFiles: 'libs/service/src/metrics.fixture.ts',
        },
      },
      {
        test: {
          name: 'database',
          include: database,
          ...onFleet,
          maxWorkers: 3,
          // As with what has the log: their process has the lowest priority, and some of them wait for receivers of their own.
          retry: 1,
          sequence: { groupOrder: 2 },
          setupFiles: 'libs/service/src/metrics.fixture.ts',
        },
      },
      {
        test: {
          name: 'log',
          include: log,
          ...onFleet,
          maxWorkers: 3,
          retry: 1,
          sequence: { groupOrder: 6 },
          setupFiles: 'libs/service/src/metrics.fixture.ts',
        },
      },
      { test: { name: 'own-servers', include: ownFleets, ...onFleet, maxWorkers: 1, sequence: { groupOrder: 7 } } },
      {
        test: {
          name: 'browser',
          include: ['e2e/**/*.e2e.spec.ts'],
          exclude: [faults, ...notCompiled],
          ...sideBySide,
          maxWorkers: 2,
          testTimeout: 90_000,
          sequence: { groupOrder: 8 },
        },
      },
      {
        test: {
          name: 'local-faults',
          include: ['{apps,libs}/*/src/**/*.local-faults.*.spec.ts', 'e2e/**/*.local-faults.*.spec.ts'],
          exclude: notCompiled,
          ...onFleet,
          maxWorkers: 4,
          sequence: { groupOrder: 3 },
        },
      },
      { test: { name: 'server-faults', include: ofServers, exclude: notCompiled, ...alone, sequence: { groupOrder: 4 } } },
      {
        test: {
          name: 'faults',
          include: ['{apps,libs}/*/src/**/*.faults.*.spec.ts', 'e2e/**/*.faults.*.spec.ts'],
          exclude: [...ofServers, ...notCompiled],
          ...alone,
          sequence: { groupOrder: 5 },
        },
      },
    ],
  },
});
