import { expect, test } from 'vitest';
import type { Database, Sql } from '../database.js';
import { type AnyProjectionBatch, Projection } from './projection.js';

/** A database that notes when it commits. */
function notedDatabase(notes: string[]): Database {
  const tx = { query: async () => ({ rows: [{ had: true }], rowCount: 1 }) } as unknown as Sql;
  return {
    ...tx,
    schema: 'test',
    transaction: async (work) => {
      const result = await work(tx);
      notes.push('committed');
      return result;
    },
    connect: () => Promise.reject(new Error('not asked for')),
  };
}

const projectionOf = (notes: string[], apply: (batch: AnyProjectionBatch) => Promise<void>) =>
  new Projection(notedDatabase(notes), { name: 'noted', topics: [], tables: [], apply });

test('what is to be done after the commit is done then', async () => {
  const notes: string[] = [];
  const projection = projectionOf(notes, async ({ afterCommit }) => {
    afterCommit(() => notes.push('woken'));
    notes.push('folded');
  });
  await projection.applyLive({ topic: 'test', events: [], tombstones: [] });
  expect(notes).toEqual(['folded', 'committed', 'woken']);
});

test('and not at all where the batch fails', async () => {
  const notes: string[] = [];
  const projection = projectionOf(notes, async ({ afterCommit }) => {
    afterCommit(() => notes.push('woken'));
    throw new Error('a bug');
  });
  await expect(projection.applyLive({ topic: 'test', events: [], tombstones: [] })).rejects.toThrow('a bug');
  expect(notes).toEqual([]);
});
