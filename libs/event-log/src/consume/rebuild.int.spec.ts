/*
 * A rebuild folds the past into shadows while the old tables serve, goes on where a process that died left it, leaves out
 * only what cannot be folded, and changes nothing but the projection's own tables.
 */
import { spawn } from 'node:child_process';
import { thisRelease } from '@communication-center/contracts';
import { eventually, Fleet } from '@communication-center/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type EventConsumer, type Gap, Gaps, Projection, Rebuild } from '../index.js';
import { Bench, event, upTo } from './bench.fixture.js';
import type { AnyProjectionBatch } from './projection.js';
import type { RebuildOptions } from './rebuild.js';

let bench: Bench;
let projection: Projection;
let culprit: string | undefined;

const tables = [
  `CREATE TABLE readings (key text CONSTRAINT readings_by_key PRIMARY KEY, sequence int NOT NULL DEFAULT 0, note text)`,
  'CREATE INDEX readings_noted ON readings (note) WHERE note IS NOT NULL',
  'CREATE TABLE marks (key text)',
];

async function apply({ events, tombstones, tx, isRebuild }: AnyProjectionBatch): Promise<void> {
  for (const { subject, sequence } of events) {
    if (subject === culprit && isRebuild) throw new TypeError('a bug');
    await tx.query(
      `INSERT INTO readings (key, sequence) VALUES ($1, $2)
       ON CONFLICT (key) DO UPDATE SET sequence = excluded.sequence WHERE readings.sequence < excluded.sequence`,
      [subject, sequence],
    );
    if (!isRebuild) await tx.query('INSERT INTO marks (key) VALUES ($1)', [subject]);
  }
  for (const { key } of tombstones) await tx.query('DELETE FROM readings WHERE key = $1', [key]);
}

beforeEach(async () => {
  culprit = undefined;
  bench = await Bench.make({ tables });
  projection = new Projection(bench.database, {
    name: 'readings',
    topics: [bench.topic],
    tables: ['readings'],
    apply,
    beforeSwap: (shadow) => [
      `INSERT INTO marks (key) SELECT coalesce(old.key, new.key) FROM readings AS old FULL JOIN ${shadow}.readings AS new USING (key)
       WHERE old.sequence IS DISTINCT FROM new.sequence`,
    ],
  });
});
afterEach(async ({ task }) => {
  if (task.result?.state === 'fail') console.log(bench.errors.join('\n'));
  await bench.end();
});

function rebuilder(options: Pick<RebuildOptions, 'stepSize' | 'gapsBy'> = {}): Rebuild {
  const rebuild = new Rebuild({ log: bench.log, projection, reader: thisRelease, onError: bench.onError, ...options });
  bench.atEnd(() => rebuild.stop());
  rebuild.start();
  return rebuild;
}

const follow = (): Promise<EventConsumer> => bench.consume('readings', { handle: (batch) => projection.applyLive(batch) });
const rows = async () =>
  (await bench.schema.query<{ key: string; sequence: number }>('SELECT key, sequence FROM readings ORDER BY key')).rows;
const keys = Array.from({ length: 40 }, (_, index) => `k${String(index).padStart(2, '0')}`);
const whole = (sequence: number) => keys.map((key) => ({ key, sequence }));
const tellAll = async (...sequences: number[]) => {
  for (const sequence of sequences) await bench.tell(...keys.map((key) => event(key, sequence)));
};
const isDone = (rebuild: Rebuild) =>
  eventually('the rebuild being done', async () => (await rebuild.status())?.state === 'done' && rebuild.status(), 30_000);
const readingsAre = (expected: { key: string; sequence: number }[]) =>
  eventually('the readings', async () => JSON.stringify(await rows()) === JSON.stringify(expected));

test('puts right what is wrong while readers read and live batches go on, and tells how it went', async () => {
  await follow();
  await tellAll(1, 2, 3);
  await readingsAre(whole(3));
  await bench.schema.query("UPDATE readings SET sequence = 1 WHERE key = 'k07'");
  await bench.schema.query('DELETE FROM marks');
  const counts: number[] = [];
  const watching = setInterval(() => void rows().then((found) => counts.push(found.length)), 10);
  const rebuild = rebuilder({ stepSize: 7 });
  expect((await rebuild.begin()).state).toBe('folding');
  await tellAll(4);
  const status = await isDone(rebuild);
  clearInterval(watching);
  expect(status).toMatchObject({ state: 'done', error: null, leftOut: [] });
  expect(status?.folded).toBeGreaterThanOrEqual(120);
  await readingsAre(whole(4));
  expect(Math.min(...counts)).toBe(40);
  await tellAll(5);
  await readingsAre(whole(5));
});

test('that comes to the same result says nothing, and the tables keep the names of their parts', async () => {
  await follow();
  await tellAll(1, 2);
  await readingsAre(whole(2));
  await bench.schema.query('DELETE FROM marks');
  const parts = async () =>
    (
      await bench.schema.query(
        `SELECT conname AS name FROM pg_constraint WHERE conrelid = 'readings'::regclass
         UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = $1 AND tablename = 'readings'
         UNION ALL SELECT column_default FROM information_schema.columns WHERE table_schema = $1 AND table_name = 'readings' ORDER BY 1`,
        [bench.schema.schema],
      )
    ).rows;
  const before = await parts();
  const rebuild = rebuilder();
  await rebuild.begin();
  await isDone(rebuild);
  expect(await rows()).toEqual(whole(2));
  expect((await bench.schema.query('SELECT * FROM marks')).rows).toEqual([]);
  expect(await parts()).toEqual(before);
  await bench.schema.query("UPDATE readings SET sequence = 1 WHERE key = 'k07'");
  await rebuild.begin();
  await isDone(rebuild);
  expect((await bench.schema.query('SELECT * FROM marks')).rows).toEqual([{ key: 'k07' }]);
});

test('gets past what cannot be folded: that key is left out and named, everything else is rebuilt', async () => {
  await tellAll(1, 2);
  culprit = 'k11';
  const rebuild = rebuilder({ stepSize: 50 });
  await rebuild.begin();
  const status = await isDone(rebuild);
  expect(status?.leftOut).toEqual([{ topic: bench.topic, key: 'k11', reason: 'TypeError: a bug' }]);
  expect(await rows()).toEqual(whole(2).filter(({ key }) => key !== 'k11'));
});

test('reads what the topic lacks, as live batches do, and catches up with what goes on coming', async () => {
  const gaps: Gap[] = [];
  projection.options.sequences = 'SELECT key, sequence FROM readings WHERE key = ANY($1)';
  const gapsBy = (sequences: (asked: string[]) => Promise<Map<string, number>>) =>
    new Gaps({
      topic: bench.topic,
      repair: async (key, after, before) => upTo(before - 1).flatMap((sequence) => (sequence > after ? [event(key, sequence)] : [])),
      sequences,
      givenUpThrough: async () => 0,
      onGap: (gap) => void gaps.push(gap),
    });
  await follow();
  await tellAll(1, 3);
  const rebuild = rebuilder({ gapsBy });
  await rebuild.begin();
  let isOver = false;
  const telling = (async () => {
    // At the pace at which live batches follow.
    for (let sequence = 4; !isOver; sequence += 1) {
      await tellAll(sequence);
      await eventually('live batches having followed', async () => (await rows()).every((row) => row.sequence >= sequence));
    }
  })();
  await isDone(rebuild);
  isOver = true;
  await telling;
  expect(gaps.slice(0, 40).every(({ after, before }) => after === 1 && before === 3)).toBe(true);
  const [last] = await rows();
  await tellAll(1000);
  await readingsAre(whole(1000));
  expect(last?.sequence).toBeGreaterThan(3);
});

test('begins anew when a migration changes the table meanwhile', async () => {
  await tellAll(1, 2);
  let isChanged = false;
  let applied = 0;
  const { apply: really } = projection.options;
  projection.options.apply = async (batch) => {
    await really(batch);
    applied += batch.events.length;
    if (isChanged) return;
    isChanged = true;
    await bench.schema.query('CREATE INDEX readings_by_sequence ON readings (sequence)');
  };
  const rebuild = rebuilder({ stepSize: 20 });
  await rebuild.begin();
  const status = await isDone(rebuild);
  // The log may repeat what was told; what was folded before the change is folded twice.
  expect(status?.folded).toBeGreaterThanOrEqual(80);
  expect(applied).toBeGreaterThan(80);
  expect(await rows()).toEqual(whole(2));
  const indexes = await bench.schema.query("SELECT 1 FROM pg_indexes WHERE schemaname = $1 AND indexname = 'readings_by_sequence'", [
    bench.schema.schema,
  ]);
  expect(indexes.rows).toHaveLength(1);
});

test('whose process is killed (-9) goes on from its last step in another', async () => {
  await tellAll(...upTo(5));
  expect(await foldAndDie(100)).toBe('SIGKILL');
  const left = await bench.schema.query<{ folded: string }>('SELECT folded FROM rebuilds');
  expect(Number(left.rows[0]?.folded)).toBeGreaterThanOrEqual(80);
  // Its lease runs out by itself in half a minute.
  await bench.schema.query("UPDATE rebuilds SET led_until = now() - interval '1 second'");
  let folded = 0;
  const { apply: really } = projection.options;
  projection.options.apply = async (batch) => {
    folded += batch.events.length;
    await really(batch);
  };
  const status = await isDone(rebuilder({ stepSize: 10 }));
  expect(await rows()).toEqual(whole(5));
  expect(status?.folded).toBeGreaterThanOrEqual(200);
  expect(folded).toBeLessThanOrEqual(Number(status?.folded) - Number(left.rows[0]?.folded));
});

/** Begins the rebuild in a process that ends itself in the middle of a step. */
function foldAndDie(after: number): Promise<NodeJS.Signals | null> {
  const script = `
    import { thisRelease } from '@communication-center/contracts';
    import { EventLog, Projection, Rebuild } from '@communication-center/event-log';
    import pg from 'pg';
    const pool = new pg.Pool({ connectionString: process.env.DATABASE, options: '-c search_path=' + process.env.SCHEMA });
    const database = { schema: process.env.SCHEMA, query: (text, values) => pool.query(text, values), transaction: async (work) => {
      const client = await pool.connect();
      await client.query('BEGIN');
      const result = await work(client);
      await client.query('COMMIT');
      client.release();
      return result;
    } };
    let folded = 0;
    const apply = async ({ events, tx }) => {
      for (const { subject, sequence } of events) await tx.query('INSERT INTO readings (key, sequence) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET sequence = excluded.sequence', [subject, sequence]);
      folded += events.length;
      if (folded >= ${after}) process.kill(process.pid, 'SIGKILL');
    };
    const projection = new Projection(database, { name: 'readings', topics: [process.env.TOPIC], tables: ['readings'], apply });
    const log = new EventLog({ brokers: [process.env.BROKERS], clientId: 'dying' });
    const rebuild = new Rebuild({ log, projection, reader: thisRelease, onError: console.error, stepSize: 10 });
    await rebuild.begin();
    setTimeout(() => {}, 60000);`;
  const { database, brokers } = new Fleet().state.servers;
  const env = { ...process.env, SCHEMA: bench.schema.schema, TOPIC: bench.topic, DATABASE: database, BROKERS: brokers };
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { cwd: import.meta.dirname, env, stdio: 'inherit' });
  return new Promise((resolve) => child.once('exit', (_code, signal) => resolve(signal)));
}
