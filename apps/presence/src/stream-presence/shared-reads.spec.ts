import type { AppId } from '@communication-center/contracts';
import { expect, test } from 'vitest';
import { SharedReads } from './shared-reads.js';

const [app, other] = ['app' as AppId, 'other' as AppId];
const place = new Array<number>(16).fill(0);

test('readers at one place share a reading, until there is something newer than it may know of', async () => {
  let queries = 0;
  const query = async () => {
    queries += 1;
    return { rows: [], rowCount: 0 };
  };
  const reads = new SharedReads({ query: query as never });
  await Promise.all([reads.read(app, place), reads.read(app, place), reads.read(app, place)]);
  expect(queries).toBe(1);
  await Promise.all([reads.read(app, place), reads.read(app, place.with(3, 7)), reads.read(other, place)]);
  expect(queries).toBe(4);
  const early = reads.read(app, place);
  reads.outdate(app);
  await Promise.all([early, reads.read(app, place)]);
  expect(queries).toBe(6);
});

test('a reading that fails fails for those who share it, and is not kept', async () => {
  let fails = true;
  const query = async () => {
    if (fails) throw new Error('away');
    return { rows: [], rowCount: 0 };
  };
  const reads = new SharedReads({ query: query as never });
  const results = await Promise.allSettled([reads.read(app, place), reads.read(app, place)]);
  expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  fails = false;
  expect(await reads.read(app, place)).toEqual({ changes: [], isMore: false });
});
