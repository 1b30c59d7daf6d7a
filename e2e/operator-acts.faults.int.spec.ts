/*
 * Whatever is killed in the midst of it, what an operator had a service do is on record: it is put there before it is done, and what
 * cannot be put there is not done.
 */
import { randomUUID } from 'node:crypto';
import type { AuditList } from '@communication-center/contracts';
import { eventually, Fleet, type TestApp } from '@communication-center/testing';
import { beforeEach, expect, test } from 'vitest';

const fleet = new Fleet();
const operator = fleet.state.secrets.operatorKey;
const group = 'calls.call-history';
const topic = 'calls.events';
let app: TestApp;
let keys: string[];

beforeEach(async () => {
  app = await fleet.makeApp();
  keys = Array.from({ length: 120 }, () => randomUUID());
  await fleet.query(
    'calls',
    "INSERT INTO parked_keys (consumer_group, topic, key, reason) SELECT $1, $2, key, 'a test' FROM unnest($3::text[]) AS key",
    [group, topic, keys],
  );
  await fleet.query(
    'calls',
    `INSERT INTO parked_events (consumer_group, topic, key, source_offset, value, headers)
     SELECT $1, $2, key, 1, NULL, $4 FROM unnest($3::text[]) AS key`,
    [group, topic, keys, JSON.stringify({ ce_appid: app.appId })],
  );
});

/** Gives up a key. @returns whether that was answered: a service that dies answers nothing, and is asked again by nobody. */
const discard = (key: string) =>
  fleet.rest('POST', '/v1/operations/calls/dead-letters/discard', operator, { group, topic, key }).then(
    ({ status }) => status === 200,
    () => false,
  );

const stillParked = async () =>
  (await fleet.query<{ key: string }>('calls', 'SELECT key FROM parked_keys WHERE key = ANY($1)', [keys])).map(({ key }) => key);

async function onRecord(): Promise<string[]> {
  const found: string[] = [];
  for (let cursor: string | null = ''; cursor !== null; ) {
    const path: string = `/v1/apps/${app.appId}/audit?limit=200${cursor && `&cursor=${cursor}`}`;
    const { entries, nextCursor } = (await fleet.rest<AuditList>('GET', path, app.key)).body;
    found.push(...entries.filter(({ act }) => act === 'parked_key.discarded').map(({ target }) => target.split(' ').at(-1) ?? ''));
    cursor = nextCursor;
  }
  return found;
}

test.each(['calls', 'directory'] as const)(
  'with every replica of %s killed in the midst, what was given up is on record, once for each time that it was asked',
  async (service) => {
    const asked = (async () => {
      let answered = 0;
      for (const key of keys) answered += (await discard(key)) ? 1 : 0;
      return answered;
    })();
    await eventually('some being given up', async () => (await stillParked()).length < keys.length - 5);
    await fleet.killAndAwait(service);
    const answered = await asked;
    const left = await stillParked();
    const given = keys.filter((key) => !left.includes(key));
    const noted = await onRecord();
    expect(given.filter((key) => !noted.includes(key))).toEqual([]);
    expect(noted.length).toBe(new Set(noted).size);
    expect(given.length).toBeGreaterThanOrEqual(answered);
    expect(given.length).toBeGreaterThan(5);
    // What is left can be given up still.
    for (const key of left) await eventually('the rest being given up', () => discard(key), 20_000);
    expect(new Set(await onRecord())).toEqual(new Set(keys));
  },
  120_000,
);
