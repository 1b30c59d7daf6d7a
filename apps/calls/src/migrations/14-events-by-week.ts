import type { Migration } from '@communication-center/service';
import { firstIdAt, timeOfId, weekMs, weekOf } from '../forget-calls/weeks.js';

type Runner = Parameters<InstanceType<Migration>['up']>[0];

/** The table that was there goes on for so many weeks, as the first partition; at least, where an earlier try began earlier. */
const [goesOnWeeks, leastWeeks] = [4, 2];
const check = 'events_before_weeks';

/**
 * Makes `events` a table of partitions by the week of the call. What it holds stays where it is and becomes the first partition,
 * beside traffic: that its rows belong there is checked by a scan that keeps nobody waiting, so that the change itself takes as
 * long as a change of names.
 *
 * A try that is broken off for good leaves the check behind: calls dialed after those weeks would be refused. Any later try takes
 * it away; so does `ALTER TABLE calls.events DROP CONSTRAINT events_before_weeks`.
 */
export const eventsByWeek: Migration = class {
  name = 'EventsByWeek1764330000052';
  readonly transaction = false;

  async up(runner: Runner): Promise<void> {
    const [{ kind }] = await runner.query(`SELECT relkind AS kind FROM pg_class WHERE oid = 'events'::regclass`);
    if (kind === 'r') await divide(runner, await checked(runner));
  }

  async down(): Promise<void> {
    throw new Error('EventsByWeek only goes forward: restore a backup instead');
  }
};

/** @returns the id from which on calls get partitions of their own, once all that is there is known to lie before it. */
async function checked(runner: Runner): Promise<string> {
  const [earlier] = await runner.query(
    `SELECT substring(pg_get_constraintdef(oid) FROM '''([^'']+)''') AS until FROM pg_constraint
     WHERE conrelid = 'events'::regclass AND conname = '${check}' AND convalidated`,
  );
  if (earlier && timeOfId(earlier.until) > Date.now() + leastWeeks * weekMs) return earlier.until;
  const until = firstIdAt(weekOf(Date.now()) + goesOnWeeks * weekMs);
  await runner.query(
    `ALTER TABLE events DROP CONSTRAINT IF EXISTS ${check}, ADD CONSTRAINT ${check} CHECK (call_id < '${until}') NOT VALID`,
  );
  try {
    await runner.query(`ALTER TABLE events VALIDATE CONSTRAINT ${check}`);
  } catch (error) {
    await runner.query(`ALTER TABLE events DROP CONSTRAINT IF EXISTS ${check}`);
    throw error;
  }
  return until;
}

async function divide(runner: Runner, until: string): Promise<void> {
  await runner.query(`DO $$ BEGIN
    ALTER TABLE events RENAME TO events_before;
    ALTER INDEX events_pkey RENAME TO events_before_pkey;
    ALTER INDEX events_event_id_key RENAME TO events_before_event_id_key;
    CREATE TABLE events (LIKE events_before INCLUDING DEFAULTS INCLUDING STORAGE, PRIMARY KEY (call_id, version)) PARTITION BY RANGE (call_id);
    ALTER TABLE events ATTACH PARTITION events_before FOR VALUES FROM (MINVALUE) TO ('${until}');
    ALTER TABLE events_before DROP CONSTRAINT ${check};
    CREATE TABLE events_rest PARTITION OF events (UNIQUE (event_id)) DEFAULT;
  END $$`);
}
