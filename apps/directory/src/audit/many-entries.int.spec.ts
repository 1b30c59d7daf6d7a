/*
 * However much is on record, of this app and of others, a page of it, what came since, and what is too old are found by an index: nobody reads
 * more than is told, or goes.
 */
import type { AppId } from '@communication-center/contracts';
import { purgeOnce } from '@communication-center/service';
import { Fleet, rowsReadBy, TestSchema } from '@communication-center/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { directory } from '../migrations/1-directory.js';
import { auditAndSipAccounts } from '../migrations/2-audit-and-sip-accounts.js';
import { lists } from '../migrations/3-lists.js';
import { appendOnly } from '../migrations/15-append-only.js';
import { auditAfter, auditOf } from './audit.js';

/** `MANY_ROWS=1000000` for years of a busy Center. */
const count = Number(process.env.MANY_ROWS ?? 50_000);
const big = 'big' as AppId;
const small = 'small' as AppId;
let schema: TestSchema;

beforeAll(async () => {
  schema = await TestSchema.migrated(new Fleet(), [directory, auditAndSipAccounts, lists, appendOnly] as never);
  const secondsAgo = '(number * 86400.0 * 500 / $1)';
  await schema.query(
    `INSERT INTO audit (entry_id, app_id, actor, act, target, at)
     SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7000' || '8000' || lpad(to_hex(number), 12, '0'))::uuid,
            CASE WHEN number % 1000 = 0 THEN 'small' ELSE 'big' END, 'operator', 'app.saved', 'demo', at
     FROM generate_series(1, $1::int) AS number, LATERAL (SELECT now() - ${secondsAgo} * interval '1 second' AS at) AS made`,
    [count],
  );
  await schema.analyze();
}, 240_000);
afterAll(() => schema.drop());

const reading = async (work: (sql: never) => Promise<unknown>, settings = 'auto') =>
  rowsReadBy(schema, async (sql) => {
    await sql.query(`SET LOCAL plan_cache_mode = ${settings}`);
    await work(sql as never);
  });

test.each([
  ['an app with most of it', big],
  ['an app with little of it', small],
])('a page, from the first to one far back, reads what it tells: %s', async (_what, appId) => {
  const { rows } = await schema.query<{ entry_id: string }>(
    'SELECT entry_id FROM audit WHERE app_id = $1 ORDER BY entry_id OFFSET (SELECT count(*) / 3 FROM audit WHERE app_id = $1) LIMIT 1',
    [appId],
  );
  const deep = rows[0]?.entry_id ?? '';
  for (const before of [null, deep]) {
    const read = await reading((sql) => auditOf(sql, appId, before, 50));
    expect([before, read.wholeTables, read.rows <= 60]).toEqual([before, [], true]);
  }
});

test('a stream that looks for what came since reads that alone', async () => {
  const { rows } = await schema.query<{ entry_id: string }>('SELECT entry_id FROM audit WHERE app_id = $1 ORDER BY entry_id DESC LIMIT 1', [
    big,
  ]);
  const last = rows[0]?.entry_id ?? '';
  const idle = await reading((sql) => auditAfter(sql, big, last, 500));
  expect([idle.wholeTables, idle.rows]).toEqual([[], 0]);
  const whole = await reading((sql) => auditAfter(sql, small, '00000000-0000-0000-0000-000000000000', 500));
  expect([whole.wholeTables, whole.rows <= 510]).toEqual([[], true]);
});

test('of what is too old a batch goes, by its age', async () => {
  let batches = 0;
  const purges = [{ table: 'audit', by: 'at', keepSeconds: 400 * 86_400 }];
  const read = await reading((sql) =>
    purgeOnce({ database: sql, purges, report: () => expect.unreachable(), goOn: () => ++batches === 1 }),
  );
  expect(read.wholeTables).toEqual([]);
  expect(read.rows).toBeGreaterThan(0);
  expect(read.rows).toBeLessThanOrEqual(10_000);
});
