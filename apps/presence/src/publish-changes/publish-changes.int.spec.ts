/*
 * Everybody who is marked is published, in order and once, whatever happens to others: a person that fails is set aside, a
 * crowd waits in queues of its own, and publishers work side by side.
 */
import type { AppId, UserAlias } from '@communication-center/contracts';
import { Fleet, TestSchema } from '@communication-center/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { migrations } from '../migrations/index.js';
import { isKept, readBounds, readChanges } from '../stream-presence/read-changes.js';
import { asPostgres } from '../who-is-where/replica.fixture.js';
import { firstRound, markToLookAt, takeMarked } from './marks.js';
import { PublishChanges } from './publish-changes.js';

const fleet = new Fleet();
const app = 'app' as AppId;
const beginning = new Array<number>(16).fill(0);
let schema: TestSchema;
let alarms: string[];

beforeEach(async () => {
  alarms = [];
  schema = await TestSchema.migrated(fleet, migrations);
});

afterEach(() => schema.drop());

function publisher(database: TestSchema = schema, kept = 20_000): PublishChanges {
  const relay = { committed: () => undefined };
  const report = (error: unknown, doing: string) => void alarms.push(`${doing}: ${error}`);
  return new PublishChanges(asPostgres(database) as never, relay as never, { KEEP_CHANGES_PER_BUCKET: kept }, report);
}

const names = (count: number) => Array.from({ length: count }, (_, number) => `user-${number}` as UserAlias);

/** Gives people another wish, and marks them, as the projection does: in one transaction. */
async function wish(appId: AppId, userAliases: readonly UserAlias[], sequence: number): Promise<void> {
  await schema.transaction(async (tx) => {
    await tx.query(
      `INSERT INTO known_users (app_id, user_alias, sequence, deleted, do_not_disturb) SELECT $1, name, $3::bigint, false, $3::bigint % 2 = 1 FROM unnest($2::text[]) AS name
       ON CONFLICT (app_id, user_alias) DO UPDATE SET sequence = excluded.sequence, do_not_disturb = excluded.do_not_disturb`,
      [appId, userAliases, sequence],
    );
    await markToLookAt(
      tx,
      userAliases.map((userAlias) => ({ appId, userAlias })),
    );
  });
}

/** The database, in which looks at some people take too long. */
function timingOut(isSlow: (userAliases: readonly string[]) => boolean): TestSchema {
  const query = async (tx: Pick<TestSchema, 'query'>, text: string, values: unknown[] = []) => {
    const isLook = text.includes('look_at_people(');
    if (!isLook || !isSlow(values[1] as string[])) return tx.query(text, values);
    throw Object.assign(new Error('canceling statement due to statement timeout'), { code: '57014' });
  };
  return {
    query: (text: string, values?: unknown[]) => schema.query(text, values),
    transaction: <T>(work: (tx: unknown) => Promise<T>) =>
      schema.transaction((tx) => {
        const ask = (text: string, values?: unknown[]) => query(tx, text, values);
        return work({ query: ask, last: ask });
      }),
  } as unknown as TestSchema;
}

const published = async () =>
  (await schema.query<{ user_alias: string }>('SELECT user_alias FROM people WHERE published IS NOT NULL')).rows.map(
    (row) => row.user_alias,
  );

const breakCallOf = (userAlias: string) =>
  schema.query(
    `INSERT INTO current_calls (call_id, app_id, sequence, ended, participants, call) VALUES (gen_random_uuid(), $1, 1, false, ARRAY[$2], '{"no": "call"}')`,
    [app, userAlias],
  );

test('one person that fails is set aside with an alarm, the others are published, and later it is tried again', async () => {
  const people = names(100);
  await breakCallOf('user-7');
  await wish(app, people, 1);
  await publisher().publishMarked();
  expect((await published()).sort()).toEqual(people.filter((name) => name !== 'user-7').sort());
  expect(alarms).toHaveLength(1);
  expect(alarms[0]).toContain('app/user-7');
  const { rows } = await schema.query<{ user_alias: string; tries: number; waits: boolean; last_error: string }>(
    'SELECT user_alias, tries, try_at > now() AS waits, last_error FROM people_to_look_at',
  );
  expect(rows).toMatchObject([{ user_alias: 'user-7', tries: 1, waits: true }]);
  expect(rows[0]?.last_error).toContain('discriminator');

  await wish(app, ['user-7' as UserAlias], 2);
  await publisher().publishMarked();
  await publisher().tryAgain();
  expect(alarms, 'a new mark does not try it before its time').toHaveLength(1);
  await schema.query('UPDATE people_to_look_at SET try_at = now()');
  await publisher().tryAgain();
  expect(alarms).toHaveLength(2);
  await schema.query('DELETE FROM current_calls');
  await schema.query('UPDATE people_to_look_at SET try_at = now()');
  await publisher().tryAgain();
  expect(await published()).toContain('user-7');
  expect((await schema.query('SELECT 1 FROM people_to_look_at')).rows).toEqual([]);
});

test('one person whose look always takes too long holds up the others once, and is set aside', async () => {
  const database = timingOut((asked) => asked.includes('user-7'));
  await wish(app, names(100), 1);
  const one = publisher(database);
  await one.publishMarked();
  expect(await published()).toHaveLength(99);
  expect((await schema.query('SELECT user_alias, tries FROM people_to_look_at')).rows).toEqual([{ user_alias: 'user-7', tries: 1 }]);
  expect(alarms).toHaveLength(1);
});

test('where everybody fails because of the infrastructure, nearly all stay where they are', async () => {
  const database = timingOut(() => true);
  await wish(app, names(100), 1);
  await expect(publisher(database).publishMarked()).rejects.toThrow('statement timeout');
  const { rows } = await schema.query<{ waiting: string }>('SELECT count(*) AS waiting FROM people_to_look_at WHERE tries = 0');
  expect(rows[0]?.waiting).toBe('97');
});

test('a crowd of one app does not keep the next one waiting', async () => {
  await wish(app, names(5000), 1);
  await wish('zoo' as AppId, ['ape' as UserAlias], 1);
  const { people } = await takeMarked(schema, firstRound, 50, 100);
  expect(people).toContainEqual({ appId: 'zoo', userAlias: 'ape', traceparent: null });
  expect(people.length).toBeLessThanOrEqual(100);
});

test('publishers side by side tell a follower every version of everybody, in order, none twice and none left out', async () => {
  const people = names(200);
  const publishers = [publisher(), publisher()];
  const told = new Map<string, number[]>();
  let place: readonly number[] = beginning;
  const follow = async () => {
    for (let isMore = true; isMore; ) {
      const read = await readChanges(schema, app, place);
      for (const { bucket, position, userAlias, said } of read.changes) {
        expect(position).toBe((place[bucket] as number) + 1);
        place = place.with(bucket, position);
        told.set(userAlias, [...(told.get(userAlias) ?? []), (JSON.parse(said) as { version: number }).version]);
      }
      isMore = read.isMore;
    }
  };
  let working = true;
  const followed = (async () => {
    while (working) await follow();
    await follow();
  })();
  const changing = (async () => {
    for (let sequence = 1; sequence <= 10; sequence += 1) await wish(app, people, sequence);
  })();
  const published = publishers.map(async (one) => {
    for (let round = 0; round < 15; round += 1) await one.publishMarked();
  });
  await Promise.all([changing, ...published]);
  await publisher().publishMarked();
  working = false;
  await followed;
  expect(alarms).toEqual([]);
  expect(told.size).toBe(people.length);
  for (const versions of told.values()) expect(versions).toEqual(versions.map((_, index) => index + 1));
  const said = await schema.query<{ wish: boolean }>(`SELECT (published->>'doNotDisturb')::boolean AS wish FROM people`);
  expect(new Set(said.rows.map((row) => row.wish))).toEqual(new Set([false]));
});

test('a bucket keeps no more changes than it may, and a reader who is behind them begins anew', async () => {
  const one = publisher(schema, 100);
  for (let sequence = 1; sequence <= 8; sequence += 1) {
    await wish(app, names(400), sequence);
    await one.publishMarked();
  }
  const { rows } = await schema.query<{ most: string; buckets: string }>(
    'SELECT max(kept) AS most, count(*) AS buckets FROM (SELECT count(*) AS kept FROM bucket_changes GROUP BY bucket) AS bucket',
  );
  expect(Number(rows[0]?.buckets)).toBe(16);
  expect(Number(rows[0]?.most)).toBeLessThanOrEqual(110);
  const bounds = await readBounds(schema, app);
  expect(isKept(beginning, bounds)).toBe(false);
  expect(isKept(bounds.forgotten, bounds)).toBe(true);
  expect(isKept(bounds.end.with(3, (bounds.end[3] as number) + 1), bounds), 'a place that is not reached yet').toBe(false);
});
