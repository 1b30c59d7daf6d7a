/*
 * A store that is in use becomes one of partitions by week: nothing of it is lost or copied, and commands go on meanwhile, in
 * functions whose plans knew the table that was.
 */
import type { CallId } from '@communication-center/contracts';
import { Fleet } from '@communication-center/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { phoneOf, Store, user } from '../decide-in-groups/store.fixture.js';
import { keptCalls } from './13-kept-calls.js';
import { eventsByWeek } from './14-events-by-week.js';
import { migrations } from './all.js';

const fleet = new Fleet();
/** Dialed, hung up, missed, ended. */
const eventsOfOne = 4;
let store: Store;

beforeEach(async () => {
  store = await Store.make(fleet, migrations.slice(0, migrations.indexOf(keptCalls)));
});
afterEach(() => store.end());

const runner = { query: async (text: string, values?: unknown[]) => (await store.schema.query(text, values)).rows } as never;
const migrate = () => new eventsByWeek().up(runner);
const events = async (calls: readonly CallId[]) =>
  (await store.schema.query('SELECT * FROM events WHERE call_id = ANY($1) ORDER BY call_id, version', [calls])).rows;
const checks = async () =>
  (await store.schema.query("SELECT conname FROM pg_constraint WHERE conrelid = 'events'::regclass AND contype = 'c'")).rows;

async function call(initiator: string): Promise<CallId> {
  const { callId } = await store.dial(initiator, [`${initiator}-s-friend`]);
  await store.carryOut({ type: 'HangUp', callId, userAlias: user(initiator), deviceId: phoneOf(initiator) });
  return callId;
}

test('what is there stays as it is, while calls are made before, meanwhile and after', async () => {
  const before = [await call('ann'), await call('bob')];
  const was = await events(before);
  const [file] = (await store.schema.query("SELECT pg_relation_filenode('events') AS file")).rows;
  let going = true;
  const callers = ['cat', 'dan', 'eve'].map(async (name) => {
    const made: CallId[] = [];
    while (going) made.push(await call(name));
    made.push(await call(name));
    return made;
  });
  await migrate();
  going = false;
  const meanwhile = (await Promise.all(callers)).flat();
  expect(await events(before)).toEqual(was);
  expect(await events(meanwhile)).toHaveLength(eventsOfOne * meanwhile.length);
  expect(store.errors).toEqual([]);
  expect((await store.schema.query("SELECT pg_relation_filenode('events_before') AS file")).rows).toEqual([file]);
  await migrate();
  expect(await checks()).toEqual([]);
  const again = store.schema.query('INSERT INTO events SELECT * FROM events WHERE call_id = $1', [before[0]]);
  await expect(again).rejects.toThrow('duplicate key');
});

test('a try that was broken off is taken up, whatever it left', async () => {
  const before = [await call('ann')];
  const was = await events(before);
  await store.schema.query(
    "ALTER TABLE events ADD CONSTRAINT events_before_weeks CHECK (call_id < '0fff0000-0000-0000-0000-000000000000') NOT VALID",
  );
  await migrate();
  expect(await events(before)).toEqual(was);
  expect(await events([await call('bob')])).toHaveLength(eventsOfOne);
});

test('a store with calls whose ids are of no time is refused, says so, and goes on as it was', async () => {
  const callId = await call('ann');
  await store.schema.query(
    `INSERT INTO events SELECT 'f47ac10b-58cc-4372-a567-0e02b2c3d479', version, gen_random_uuid(), app_id, type, occurred_at, dataversion, data
     FROM events WHERE call_id = $1`,
    [callId],
  );
  await expect(migrate()).rejects.toThrow('events_before_weeks');
  expect(await checks()).toEqual([]);
  expect(await events([await call('bob')])).toHaveLength(eventsOfOne);
});
