/*
 * An event that is stored, and neither published nor about to be, is found, whoever forgot it; nothing else is.
 */
import { Fleet, rowsReadBy } from '@communication-center/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Store } from '../decide-in-groups/store.fixture.js';
import { neverGiven } from './never-given.js';

const fleet = new Fleet();
const call = idOf(0, 1);
let store: Store;

beforeEach(async () => {
  store = await Store.make(fleet);
});
afterEach(() => store.end());

/** An id as an event gets it that is made so many seconds ago. */
function idOf(secondsAgo: number, number: number): string {
  const time = (Date.now() - secondsAgo * 1000).toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-${String(number).padStart(12, '0')}`;
}

async function stored(version: number, secondsAgo: number): Promise<string> {
  const id = idOf(secondsAgo, version);
  await store.schema.query(
    `INSERT INTO events (call_id, version, event_id, app_id, type, occurred_at, dataversion, data)
     VALUES ($1, $2, $3, 'app', 'call.dialed', now() - make_interval(secs => $4), 1, '{}')`,
    [call, version, id, secondsAgo],
  );
  return id;
}

const minutesAgo = (minutes: number) => new Date(Date.now() - minutes * 60_000).toISOString();
const found = async () =>
  (await neverGiven(store.schema as never, { after: minutesAgo(10), until: minutesAgo(0), limit: 1000 })).map(
    ({ key, sequence }) => `${key} ${sequence}`,
  );

test('what is in none of the places an event goes to is found; what is in one of them is not', async () => {
  const [waiting, published, unsendable] = [await stored(1, 300), await stored(2, 300), await stored(3, 300)];
  await stored(4, 300);
  await store.schema.query(
    `INSERT INTO outbox (topic, partition, key, event) VALUES ('calls.events', 0, $1, json_build_object('id', $2::text))`,
    [call, waiting],
  );
  await store.schema.query(
    `INSERT INTO sent (slot, id, topic, partition, log_offset, key, event_id, sent_at)
     VALUES (0, 1, 'calls.events', 0, 0, $1, $2, now() - interval '5 minutes')`,
    [call, published],
  );
  await store.schema.query(
    `INSERT INTO unsendable (id, topic, partition, key, event, reason) VALUES (1, 'calls.events', 0, $1, json_build_object('id', $2::text), 'large')`,
    [call, unsendable],
  );
  expect(await found()).toEqual([`${call} 4`]);
});

test('what may still be in a transaction, and what was compared before, is not judged', async () => {
  await stored(1, 30);
  await stored(2, 30 * 60);
  expect(await found()).toEqual([]);
});

test('it reads the events of the time it is asked about, however long the history', async () => {
  await store.schema.query(
    `INSERT INTO events (call_id, version, event_id, app_id, type, occurred_at, dataversion, data)
     SELECT gen_random_uuid(), 1, ('01900000-' || lpad(to_hex(number % 65536), 4, '0') || '-7000-8000-' || lpad(number::text, 12, '0'))::uuid,
            'app', 'call.dialed', now() - interval '1 year', 1, '{}'
     FROM generate_series(1, 50000) AS number`,
  );
  await stored(1, 300);
  await store.schema.analyze();
  const read = await rowsReadBy(store.schema, (sql) =>
    neverGiven(sql as never, { after: minutesAgo(10), until: minutesAgo(0), limit: 1000 }),
  );
  expect(read.wholeTables.filter((table) => table.startsWith('events'))).toEqual([]);
  expect(read.rows).toBeLessThan(20);
});
