import { expect, test } from 'vitest';
import type { Database, Sql, Transaction } from '../database.js';
import { InfrastructureError } from '../failures.js';
import { type AnyProjectionBatch, Projection } from './projection.js';

/** A database that notes what it is asked, and when it commits; some of what it is asked fails, and all that follows in a transaction. */
function notedDatabase(notes: string[], failures: Record<string, Error> = {}): Database {
  let isBroken = false;
  const ask = async (text: string, values: unknown[] = []) => {
    notes.push(text.startsWith('SELECT 1 /') ? 'lock' : `${text} ${values.join(' ')}`.trim());
    if (isBroken) throw Object.assign(new Error('current transaction is aborted'), { code: '25P02' });
    const failure = failures[text] ?? (text.startsWith('SELECT 1 /') ? failures.lock : undefined);
    isBroken = failure !== undefined;
    if (failure) throw failure;
    return { rows: [], rowCount: 0 };
  };
  const query = ask as unknown as Sql['query'];
  const tx: Transaction = { query, last: query, alone: query };
  return {
    query,
    schema: 'test',
    transaction: async (work) => {
      const result = await work(tx);
      notes.push('committed');
      return result;
    },
    connect: () => Promise.reject(new Error('not asked for')),
  };
}

const projectionOf = (notes: string[], apply: (batch: AnyProjectionBatch) => Promise<void>, failures?: Record<string, Error>) =>
  new Projection(notedDatabase(notes, failures), { name: 'noted', topics: [], tables: [], apply });
const batch = { topic: 'test', events: [], tombstones: [] };

test('what is to be done after the commit is done then', async () => {
  const notes: string[] = [];
  const projection = projectionOf(notes, async ({ afterCommit }) => {
    afterCommit(() => notes.push('woken'));
    notes.push('folded');
  });
  await projection.applyLive(batch);
  expect(notes).toEqual(['folded', 'committed', 'woken']);
});

test('and not at all where the batch fails', async () => {
  const notes: string[] = [];
  const projection = projectionOf(notes, async ({ afterCommit }) => {
    afterCommit(() => notes.push('woken'));
    throw new Error('a bug');
  });
  await expect(projection.applyLive(batch)).rejects.toThrow('a bug');
  expect(notes).toEqual([]);
});

test('a rebuild is kept out before the first statement, once, and nobody waits for that or for what is sent ahead', async () => {
  const notes: string[] = [];
  const projection = projectionOf(notes, async ({ tx, ahead, last }) => {
    ahead('fold');
    const read = tx.query('read');
    expect(notes).toEqual(['lock', 'fold', 'read']);
    await read;
    await last('write');
  });
  await projection.applyLive(batch);
  expect(notes).toEqual(['lock', 'fold', 'read', 'write', 'committed']);
});

test('what failed ahead is why the batch failed, though all that followed failed as well, or nothing did', async () => {
  const failures = { fold: new Error('no such column') };
  const read = projectionOf(
    [],
    async ({ tx, ahead }) => {
      ahead('fold');
      await tx.query('read');
    },
    failures,
  );
  await expect(read.applyLive(batch)).rejects.toThrow('no such column');
  const notes: string[] = [];
  const alone = projectionOf(notes, async ({ ahead }) => ahead('fold'), failures);
  await expect(alone.applyLive(batch)).rejects.toThrow('no such column');
  expect(notes).toEqual(['lock', 'fold']);
});

test('while a rebuild takes its place a batch waits, and no failure of its own', async () => {
  const lock = Object.assign(new Error('division by zero'), { code: '22012' });
  const projection = projectionOf([], async ({ tx }) => void (await tx.query('read')), { lock });
  await expect(projection.applyLive(batch)).rejects.toThrow(InfrastructureError);
  const lost = projectionOf([], async ({ tx }) => void (await tx.query('read')), { lock: new Error('Connection terminated') });
  await expect(lost.applyLive(batch)).rejects.toThrow('terminated');
});

test('a statement that is the whole batch is told which lock it needs; the past that is folded again has none, and no lock', async () => {
  const notes: string[] = [];
  const projection = projectionOf(notes, async ({ tx, alone }) => void (await (alone ? alone('all', [7]) : tx.query('fold'))));
  await projection.applyLive(batch);
  expect(notes).toEqual(['all projection test.noted 7', 'committed']);
  notes.length = 0;
  await projection.applyAgain(batch, projection.database);
  expect(notes).toEqual(['fold']);
});
