/*
 * Who asks what has ended since, again and again, is told each end once and in order, however many are noted at the same time and
 * however long some of these take to commit; and is told so where that cannot be promised.
 */
import type { AppId } from '@communication-center/contracts';
import { Fleet, rowsReadBy, TestSchema } from '@communication-center/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { directory } from '../migrations/1-directory.js';
import { ends } from '../migrations/10-ends.js';
import { ended, noteEnd } from './ends.js';

const fleet = new Fleet();
let schema: TestSchema;

beforeAll(async () => {
  schema = await TestSchema.migrated(fleet, [directory, ends]);
});
afterAll(() => schema.drop());

const keyOf = (number: number) => ({ what: 'key' as const, appId: 'demo' as AppId, keyId: `k${number}` });
const note = (number: number, takesMs = 0) =>
  schema.transaction(async (tx) => {
    // What it ends may take long before it is put on record, the commit after that as well.
    await tx.query('SELECT pg_sleep($1)', [takesMs / 1000]);
    await noteEnd(tx as never, keyOf(number));
    await tx.query('SELECT pg_sleep($1)', [takesMs / 2000]);
  });
const since = (sequence?: number, seconds = 0) => ended(schema as never, { since: sequence, seconds });

test('a reader beside many writers misses none and hears none twice', async () => {
  let { upTo } = await since();
  const heard: string[] = [];
  let isOver = false;
  const reading = (async () => {
    while (!isOver || (await since(upTo)).upTo > upTo) {
      const told = await since(upTo);
      expect(told.isWhole).toBe(true);
      heard.push(...told.ended.map((one) => ('keyId' in one ? one.keyId : '')));
      upTo = told.upTo;
    }
  })();
  await Promise.all(Array.from({ length: 60 }, (_, number) => note(number, number % 7)));
  isOver = true;
  await reading;
  expect(heard.toSorted()).toEqual(Array.from({ length: 60 }, (_, number) => `k${number}`).toSorted());
});

test('what is rolled back leaves no gap', async () => {
  const { upTo } = await since();
  const failing = schema.transaction(async (tx) => {
    await noteEnd(tx as never, keyOf(100));
    throw new Error('not after all');
  });
  await expect(failing).rejects.toThrow('not after all');
  await note(101);
  expect(await since(upTo)).toEqual({ upTo: upTo + 1, isWhole: true, ended: [keyOf(101)], hasMore: false });
});

test('who asks for the first time is told what ended lately, and where that stands', async () => {
  await schema.query(`UPDATE ends SET at = now() - interval '1 hour'`);
  await note(102);
  expect((await since(undefined, 600)).ended).toEqual([keyOf(102)]);
  const { upTo, ended: none } = await since();
  expect([none, await since(upTo)]).toEqual([[], { upTo, isWhole: true, ended: [], hasMore: false }]);
});

test('who was away for longer than ends are kept, or knows of more than there is, is told that it may lack some', async () => {
  const { upTo } = await since();
  await Promise.all([note(103), note(104)]);
  await schema.query('DELETE FROM ends WHERE sequence = $1', [upTo + 1]);
  expect(await since(upTo)).toEqual({ upTo: upTo + 2, isWhole: false, ended: [], hasMore: false });
  expect((await since(upTo + 1)).isWhole).toBe(true);
  expect(await since(upTo + 9)).toMatchObject({ upTo: upTo + 2, isWhole: false });
});

test('of many, as many are told as go into one answer, and that there are more; an idle look reads a row', async () => {
  const { upTo } = await since();
  await schema.query(
    `WITH more AS (UPDATE end_count SET last = last + 5000 RETURNING last)
     INSERT INTO ends (sequence, ended) SELECT last - 5000 + number, '{"what":"key","appId":"demo","keyId":"many"}'
     FROM more, generate_series(1, 5000) AS number`,
  );
  await schema.analyze();
  const told = await since(upTo);
  expect([told.ended.length, told.upTo, told.hasMore]).toEqual([500, upTo + 500, true]);
  const read = await rowsReadBy(schema, (sql) => ended(sql as never, { since: upTo + 5000, seconds: 0 }));
  expect(read.rows).toBeLessThan(5);
});
