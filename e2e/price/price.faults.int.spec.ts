/*
 * What a call costs does not grow unseen: statements and commits of PostgreSQL, and requests to Kafka, are counted while some
 * calls are made, and what the fleet does without them is taken off. Counts, not times: a busy machine changes nothing. It has
 * the fleet alone, because counts are the whole fleet's.
 */
import { endOf, eventually, Fleet, type Phone, Phones, ringOf, serviceNames } from '@communication-center/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { price } from './bounds.js';

type Counts = Record<keyof typeof price, number>;

const pairs = 4;
const callsEach = 3;
const fleet = new Fleet();
const phones = new Phones(fleet);
let made: [caller: Phone, callee: Phone, alias: string][];

beforeAll(async () => {
  const app = await fleet.makeApp();
  await fleet.query('public', 'CREATE EXTENSION IF NOT EXISTS pg_stat_statements');
  made = await Promise.all(
    Array.from({ length: pairs }, async (_, number) => {
      const [caller, callee] = [`caller-${number}`, `callee-${number}`];
      return [await phones.connect(app, caller), await phones.connect(app, callee), callee] as (typeof made)[number];
    }),
  );
  await makeCalls(1);
});
afterAll(() => phones.closeAll());

async function read(): Promise<Counts> {
  const [database] = await fleet.query<Omit<Counts, 'kafkaRequests'>>(
    'public',
    `SELECT (SELECT sum(calls)::float8 FROM pg_stat_statements) AS statements,
            (SELECT sum(xact_commit)::float8 FROM pg_stat_database) AS commits`,
  );
  const figures = await Promise.all(serviceNames.flatMap((name) => fleet.replicasOf(name)).map((replica) => fleet.figuresOf(replica)));
  const requests = figures.flatMap((all) => [...all]).filter(([name]) => name.startsWith('kafka_requests_total'));
  if (!database || requests.length === 0) throw new Error('a part of the fleet counts nothing');
  return { ...database, kafkaRequests: requests.reduce((sum, [, count]) => sum + count, 0) };
}

/** @returns what was counted during some work, and for how long it was, in milliseconds. */
async function counted(work: () => Promise<unknown>): Promise<Counts & { ms: number }> {
  const [from, before] = [performance.now(), await read()];
  await work();
  const after = await read();
  const less = (what: keyof Counts) => after[what] - before[what];
  return { statements: less('statements'), commits: less('commits'), kafkaRequests: less('kafkaRequests'), ms: performance.now() - from };
}

async function makeCalls(count: number): Promise<void> {
  await Promise.all(
    made.map(async ([caller, callee, alias]) => {
      for (let number = 0; number < count; number += 1) {
        callee.incoming.length = 0;
        const call = await caller.center.call([alias]);
        const ring = await ringOf(callee);
        await ring.answer();
        await eventually('the caller being connected', () => call.phase === 'connected');
        await call.hangUp();
        await endOf(ring);
      }
    }),
  );
}

test('a call costs no more statements, commits and requests to Kafka than it may', async () => {
  const pause = () => new Promise((resolve) => setTimeout(resolve, 1000));
  const idle = await counted(pause);
  const busy = await counted(async () => {
    await makeCalls(callsEach);
    // What is told after the end is a part of the price.
    await new Promise((resolve) => setTimeout(resolve, 500));
  });
  for (const what of ['statements', 'commits', 'kafkaRequests'] as const) {
    const aCall = (busy[what] - (idle[what] * busy.ms) / idle.ms) / (pairs * callsEach);
    const { usual, bound } = price[what];
    const said = `a call costs ${aCall.toFixed(0)} ${what}, usually ${usual} at most`;
    if (aCall > usual) console.warn(`WARNING: ${said} (e2e/price/bounds.ts)`);
    expect(aCall, said).toBeLessThan(bound);
  }
});
