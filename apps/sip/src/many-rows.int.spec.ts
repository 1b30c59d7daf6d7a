/*
 * However many nonces were used and phones subscribe, a request reads its own rows and no more, and what is over goes by its age, a bounded
 * number at a time.
 */
import { purgeOnce } from '@communication-center/service';
import { Fleet, rowsReadBy, TestSchema } from '@communication-center/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { NonceCounts } from './authenticate/nonce-counts.js';
import { subscriptions } from './migrations/1-subscriptions.js';
import { expiredSubscriptions } from './migrations/2-expired-subscriptions.js';
import { accounts } from './migrations/7-accounts.js';
import { noncesAndDialogs } from './migrations/8-nonces-and-dialogs.js';
import { oldRows } from './old-rows.js';
import { SubscriptionStore } from './subscriptions/subscription-store.js';

/** `MANY_ROWS=1000000` for what a thousand phones come to in some hours. */
const count = Number(process.env.MANY_ROWS ?? 50_000);
let schema: TestSchema;

beforeAll(async () => {
  schema = await TestSchema.migrated(new Fleet(), [subscriptions, expiredSubscriptions, accounts, noncesAndDialogs] as never);
  await schema.query(
    `INSERT INTO nonce_counts (nonce, count, request, used_at)
     SELECT decode(md5((number / 20)::text), 'hex'), number % 20, decode(md5(number::text), 'hex'), now() - (number % 1000) * interval '1 second'
     FROM generate_series(1, ${count}) AS number`,
  );
  await schema.query(
    `INSERT INTO subscriptions (local_tag, home, app_id, user_alias, package, call_id, remote_tag, local_uri, remote_uri, remote_target,
       transport, host, port, remote_cseq, expires_at)
     SELECT number::text, 'home:' || 5000 + number % 1000, 'app', 'bob', 'dialog', number::text, 'tag', 'sip:a', 'sip:b', 'sip:c', 'udp', '127.0.0.1', 5060, 1,
       now() + (number % 9000 - 7200) * interval '1 second'
     FROM generate_series(1, ${count}) AS number`,
  );
  await schema.analyze();
}, 240_000);
afterAll(() => schema.drop());

const settings = { SIP_PUBLIC_HOST: 'home', SIP_PORT: 5007, NONCE_SECONDS: 300 } as never;

test('a count of a nonce is taken, and refused the second time, by its key', async () => {
  const outcomes: boolean[] = [];
  const read = await rowsReadBy(schema, async (sql) => {
    const counts = new NonceCounts(sql as never);
    for (const name of ['first', 'first', 'another']) outcomes.push(await counts.take({ nonce: 'n', count: 1, name }));
  });
  expect(outcomes).toEqual([true, true, false]);
  expect([read.wholeTables, read.rows < 20]).toEqual([[], true]);
});

test('a subscription is saved, found by its home and deleted by its key', async () => {
  const read = await rowsReadBy(schema, async (sql) => {
    const store = new SubscriptionStore(sql as never, settings);
    const left = await store.load();
    for (const one of left) await store.save(one);
    await store.delete('1');
  });
  expect([read.wholeTables, read.rows <= (6 * count) / 1000 + 50]).toEqual([[], true]);
});

test('a subscription that is written once more at the moment of its end is not kept again', async () => {
  await rowsReadBy(schema, async (sql) => {
    const store = new SubscriptionStore(sql as never, settings);
    const [one] = await store.load();
    if (!one) throw new Error('there is none');
    await store.delete(one.localTag);
    await store.save({ ...one, localCseq: one.localCseq + 1 });
    expect((await store.load()).filter(({ localTag }) => localTag === one.localTag)).toEqual([]);
  });
});

test('of what is over a batch goes, by its age', async () => {
  for (const purge of oldRows(settings)) {
    let batches = 0;
    const read = await rowsReadBy(schema, (sql) =>
      purgeOnce({ database: sql as never, purges: [purge], report: () => expect.unreachable(), goOn: () => ++batches === 1 }),
    );
    expect([purge.table, read.wholeTables]).toEqual([purge.table, []]);
    expect(read.rows).toBeGreaterThan(0);
    expect(read.rows).toBeLessThanOrEqual(10_000);
  }
});
