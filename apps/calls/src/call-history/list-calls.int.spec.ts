/*
 * However long a history, and however rare what is looked for in it, a page of it reads little more than it shows.
 */
import type { AppId, CallEvent, CallId, CallList, CallListQuery, UserAlias } from '@communication-center/contracts';
import { Fleet, rowsReadBy } from '@communication-center/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { phoneOf, Store, user } from '../decide-in-groups/store.fixture.js';
import { eventsOfCalls } from '../event-store/events.js';
import { deviceOfOutcome } from '../migrations/10-device-of-outcome.js';
import { CallHistoryProjection } from './call-history.projection.js';
import { listCalls } from './list-calls.js';

const fleet = new Fleet();
const app = 'app' as AppId;
let store: Store;

beforeEach(async () => {
  store = await Store.make(fleet);
});
afterEach(() => store.end());

async function project(events: readonly CallEvent[]): Promise<void> {
  const projection = new CallHistoryProjection();
  await store.schema.transaction((tx) =>
    projection.apply({ topic: 'calls.events', events, tombstones: [], tx, isRebuild: false, afterCommit: () => undefined }),
  );
}

async function history(callId: CallId): Promise<CallEvent[]> {
  return (await eventsOfCalls(store.schema, [callId])).get(callId) ?? [];
}

const list = (query: Partial<CallListQuery>, userAlias: string | null = null): Promise<CallList> =>
  listCalls(store.schema, app, userAlias as UserAlias | null, { limit: 20, ...query } as CallListQuery);
const ids = async (query: Partial<CallListQuery>, userAlias: string | null = null) =>
  (await list(query, userAlias)).calls.map(({ callId }) => callId);

test('calls are found by whose they are and how they went, event by event as they go', async () => {
  const missed = await store.dial('ann', ['bob']);
  await store.carryOut({ type: 'HangUp', callId: missed.callId, userAlias: user('ann'), deviceId: phoneOf('ann') });
  const talked = await store.dial('ann', ['bob', 'cat']);
  await store.carryOut({ type: 'DeclineCall', callId: talked.callId, userAlias: user('bob'), deviceId: phoneOf('bob'), reason: 'none' });
  await store.carryOut({ type: 'AnswerCall', callId: talked.callId, userAlias: user('cat'), deviceId: phoneOf('cat') });
  await project(await history(missed.callId));
  for (const event of await history(talked.callId)) await project([event]);

  expect(await ids({})).toEqual([talked.callId, missed.callId]);
  expect(await ids({}, 'bob')).toEqual([talked.callId, missed.callId]);
  expect(await ids({ outcome: 'missed' })).toEqual([missed.callId]);
  expect(await ids({ outcome: 'missed' }, 'bob')).toEqual([missed.callId]);
  expect(await ids({ outcome: 'declined' }, 'bob')).toEqual([talked.callId]);
  expect(await ids({ outcome: 'declined' }, 'cat')).toEqual([]);
  expect(await ids({ outcome: 'declined_elsewhere', deviceId: phoneOf('tablet') }, 'bob')).toEqual([talked.callId]);
  expect(await ids({ outcome: 'declined', deviceId: phoneOf('bob') }, 'bob')).toEqual([talked.callId]);
  expect(await ids({ status: 'connected' }, 'cat')).toEqual([talked.callId]);
  expect(await ids({ outcome: 'declined_elsewhere', deviceId: phoneOf('bob') }, 'bob')).toEqual([]);
  expect(await ids({ outcome: 'answered', deviceId: phoneOf('tablet') }, 'ann')).toEqual([talked.callId]);
  // Whom Ann reached is the same for all her devices.
  expect(await ids({ outcome: 'answered_elsewhere', deviceId: phoneOf('tablet') }, 'ann')).toEqual([]);

  // Whoever declined comes back: the outcome that was is forgotten.
  await store.carryOut({ type: 'JoinCall', callId: talked.callId, userAlias: user('bob'), deviceId: phoneOf('bob') });
  await project((await history(talked.callId)).slice(-1));
  expect(await ids({ outcome: 'declined' }, 'bob')).toEqual([]);
  expect(await ids({ outcome: 'declined' })).toEqual([]);
  expect(await ids({ outcome: 'answered' }, 'bob')).toEqual([talked.callId]);
  expect(await ids({ outcome: 'answered_elsewhere', deviceId: phoneOf('tablet') }, 'bob')).toEqual([talked.callId]);

  // From another device the next time: it is that one's now.
  await store.carryOut({ type: 'HangUp', callId: talked.callId, userAlias: user('bob'), deviceId: phoneOf('bob') });
  await store.carryOut({ type: 'JoinCall', callId: talked.callId, userAlias: user('bob'), deviceId: phoneOf('tablet') });
  await project((await history(talked.callId)).slice(-2));
  expect(await ids({ outcome: 'answered_elsewhere', deviceId: phoneOf('tablet') }, 'bob')).toEqual([]);
  expect(await ids({ outcome: 'answered_elsewhere', deviceId: phoneOf('bob') }, 'bob')).toEqual([talked.callId]);
  const { nextCursor } = await list({ limit: 1 }, 'bob');
  const page = await list({ limit: 1, cursor: nextCursor ?? undefined }, 'bob');
  expect(page.calls.map(({ callId }) => callId)).toEqual([missed.callId]);
});

test('a history from before knows on which device its outcomes came about, as one that is made anew', async () => {
  const declined = await store.dial('ann', ['bob', 'cat']);
  await store.carryOut({ type: 'DeclineCall', callId: declined.callId, userAlias: user('bob'), deviceId: phoneOf('bob'), reason: 'busy' });
  await store.carryOut({ type: 'AnswerCall', callId: declined.callId, userAlias: user('cat'), deviceId: phoneOf('cat') });
  const missed = await store.dial('dan', ['eve']);
  await store.carryOut({ type: 'HangUp', callId: missed.callId, userAlias: user('dan'), deviceId: phoneOf('dan') });
  await project([...(await history(declined.callId)), ...(await history(missed.callId))]);
  const read = async () => (await store.schema.query('SELECT * FROM call_parts ORDER BY user_alias, outcome, call_id')).rows;
  const projected = await read();
  expect(projected.filter(({ device_id }) => device_id).map(({ user_alias, device_id }) => [user_alias, device_id])).toEqual([
    ['bob', phoneOf('bob')],
    ['cat', phoneOf('cat')],
  ]);
  await store.schema.query('ALTER TABLE call_parts DROP COLUMN device_id');
  await new deviceOfOutcome().up({ query: (text: string) => store.schema.query(text) } as never);
  expect(await read()).toEqual(projected);
});

test('a rare outcome is found in a long history without reading it', async () => {
  const rare = await store.dial('ann', ['bob']);
  await store.carryOut({ type: 'DeclineCall', callId: rare.callId, userAlias: user('bob'), deviceId: phoneOf('bob'), reason: 'none' });
  await project(await history(rare.callId));
  await store.schema.query(
    `WITH copy AS (
       INSERT INTO call_history (call_id, app_id, sequence, status, participants, dialed_at, call, parts)
       SELECT gen_random_uuid(), app_id, sequence, status, participants, dialed_at + number * interval '1 second', call, '[]'
       FROM call_history, generate_series(1, 50000) AS number RETURNING call_id, dialed_at
     ) INSERT INTO call_parts SELECT 'app', who, what, dialed_at, call_id
       FROM copy, unnest(ARRAY['', 'bob']) AS who, unnest(ARRAY['', 'answered']) AS what WHERE who <> '' OR what <> ''`,
  );
  await store.schema.analyze();
  for (const [query, who] of [
    [{ outcome: 'declined' }, null],
    [{ outcome: 'declined' }, 'bob'],
    [{ outcome: 'answered' }, 'bob'],
    [{}, 'bob'],
    [{}, null],
  ] as const) {
    const read = await rowsReadBy(store.schema, (sql) =>
      listCalls(sql, app, who as UserAlias | null, { limit: 20, ...query } as CallListQuery),
    );
    expect(read.wholeTables, JSON.stringify([query, who])).toEqual([]);
    expect(read.rows, JSON.stringify([query, who])).toBeLessThan(100);
  }
});
