/*
 * Everything is sealed with the new key in the end: whoever is killed at it leaves no value that does not open, another goes on, nobody's
 * new secret is overwritten with the one before, and replicas of the setting before and after open everything all the time.
 */
import { spawn } from 'node:child_process';
import { createCipheriv, randomBytes } from 'node:crypto';
import { Fleet, TestSchema } from '@communication-center/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { KeyRing } from './key-ring.js';
import { Resealing, resealBatch, type SealedColumn } from './resealing.js';
import { SealedBox } from './sealed-box.js';

const fleet = new Fleet();
const columns: SealedColumn[] = [
  { table: 'secrets', column: 'sealed', key: { kid: 'uuid' }, owner: 'kid::text' },
  { table: 'accounts', column: 'sealed', key: { app_id: 'text', username: 'text' }, owner: "app_id || '/' || username" },
];
const [old, fresh] = [
  { id: '2025-12', bytes: randomBytes(32) },
  { id: '2026-11', bytes: randomBytes(32) },
];
const [oldBox, newBox] = [new SealedBox(new KeyRing([old])), new SealedBox(new KeyRing([fresh]))];
/** As the replicas are told, one after the other. */
const rings = { before: new KeyRing([old, fresh]), after: new KeyRing([fresh, old]) };
const accounts = 1500;
let schema: TestSchema;

beforeEach(async () => {
  schema = await TestSchema.make(fleet, [
    'CREATE TABLE secrets (kid uuid PRIMARY KEY, sealed bytea NOT NULL)',
    'CREATE TABLE accounts (app_id text, username text, sealed bytea NOT NULL, PRIMARY KEY (app_id, username))',
    // Keeps a key of another table, as deliveries keep their endpoints.
    'CREATE TABLE uses (kid uuid REFERENCES secrets)',
  ]);
  const names = Array.from({ length: accounts }, (_, index) => [`app-${index % 7}`, `desk ${index}`] as const);
  await schema.query('INSERT INTO accounts SELECT * FROM unnest($1::text[], $2::text[], $3::bytea[])', [
    names.map(([app]) => app),
    names.map(([, name]) => name),
    names.map(([app, name], index) => (index % 3 === 0 ? sealedBefore : oldBox.seal.bind(oldBox))(`${app}/${name}`, `of ${name}`)),
  ]);
});

afterEach(() => schema.drop());

/** As a release did that named no keys. */
function sealedBefore(owner: string, secret: string): Buffer {
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', old.bytes, nonce).setAAD(Buffer.from(owner));
  const text = Buffer.concat([cipher.update(secret), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), text]);
}

async function addSecret(sealed: (kid: string) => Buffer): Promise<string> {
  const kid = crypto.randomUUID();
  await schema.query('INSERT INTO secrets VALUES ($1, $2)', [kid, sealed(kid)]);
  return kid;
}

async function openAll(box: SealedBox): Promise<number> {
  const { rows } = await schema.query<{ app_id: string; username: string; sealed: Buffer }>('SELECT * FROM accounts');
  for (const { app_id, username, sealed } of rows) expect(box.open(`${app_id}/${username}`, sealed)).toBe(`of ${username}`);
  return rows.length;
}

const resealing = (ring = rings.after, database = schema) => new Resealing(database, ring, columns);

test('all values of every table are sealed anew, and open with the new key alone', async () => {
  const [kid, empty] = [await addSecret((id) => oldBox.seal(id, 'signs')), await addSecret(() => Buffer.alloc(0))];
  expect(await resealing().view()).toMatchObject({
    keyId: '2026-11',
    left: accounts + 1,
    keys: [{ values: 0 }, { keyId: '2025-12', values: (accounts * 2) / 3 + 1 }, { keyId: null, values: accounts / 3 }],
  });
  expect(await resealing().step()).toEqual({ resealed: accounts + 1, unreadable: 0 });
  expect(await openAll(newBox)).toBe(accounts);
  const { rows } = await schema.query<{ kid: string; sealed: Buffer }>('SELECT * FROM secrets');
  expect(newBox.open(kid, rows.find((row) => row.kid === kid)?.sealed ?? Buffer.alloc(0))).toBe('signs');
  expect(rows.find((row) => row.kid === empty)?.sealed).toHaveLength(0);
  expect(await resealing().view()).toEqual({
    keyId: '2026-11',
    left: 0,
    keys: [
      { keyId: '2026-11', values: accounts + 1 },
      { keyId: '2025-12', values: 0 },
    ],
  });
});

test('who is killed (-9) at it leaves whole batches, all of which open, and another goes on with the rest', async () => {
  expect(await resealAndDie(3)).toBe('SIGKILL');
  // The third batch had not committed.
  const left = accounts - 2 * resealBatch;
  expect(await resealing().view()).toMatchObject({ left });
  for (const ring of [rings.before, rings.after]) expect(await openAll(new SealedBox(ring))).toBe(accounts);
  expect(await resealing().step()).toEqual({ resealed: left, unreadable: 0 });
  expect(await openAll(newBox)).toBe(accounts);
});

/** Seals anew in a process that ends itself within a batch, its rows written and not committed. */
function resealAndDie(batch: number): Promise<NodeJS.Signals | null> {
  const script = `
    import { KeyRing } from '../../dist/secrets/key-ring.js';
    import { Resealing } from '../../dist/secrets/resealing.js';
    import pg from 'pg';
    const pool = new pg.Pool({ connectionString: process.env.DATABASE, options: '-c search_path=' + process.env.SCHEMA });
    let batches = 0;
    const database = { query: (text, values) => pool.query(text, values), transaction: async (work) => {
      const client = await pool.connect();
      await client.query('BEGIN');
      const result = await work({ query: async (text, values) => {
        const done = await client.query(text, values);
        if (text.startsWith('UPDATE') && ++batches === ${batch}) process.kill(process.pid, 'SIGKILL');
        return done;
      } });
      await client.query('COMMIT');
      client.release();
      return result;
    } };
    await new Resealing(database, KeyRing.parse(process.env.KEYS), ${JSON.stringify(columns)}).step(() => true);`;
  const env = {
    ...process.env,
    SCHEMA: schema.schema,
    DATABASE: fleet.state.servers.database,
    KEYS: [fresh, old].map(({ id, bytes }) => `${id}:${bytes.toString('base64')}`).join(','),
  };
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { cwd: import.meta.dirname, env, stdio: 'inherit' });
  return new Promise((resolve) => child.once('exit', (_code, signal) => resolve(signal)));
}

test('a secret that is given while it goes on is not overwritten, and waits for nobody long', async () => {
  const giving = await schema.connect();
  await giving.query('BEGIN');
  await giving.query("UPDATE accounts SET sealed = $1 WHERE app_id = 'app-0' AND username = 'desk 0'", [
    oldBox.seal('app-0/desk 0', 'another'),
  ]);
  // The row that is being written is passed over; every other one is not.
  expect(await resealing().step()).toEqual({ resealed: accounts - 1, unreadable: 0 });
  await giving.query('COMMIT');
  await giving.end();
  expect(await resealing().view()).toMatchObject({ left: 1 });
  expect(await resealing().step()).toEqual({ resealed: 1, unreadable: 0 });
  const { rows } = await schema.query<{ sealed: Buffer }>("SELECT sealed FROM accounts WHERE app_id = 'app-0' AND username = 'desk 0'");
  expect(newBox.open('app-0/desk 0', rows[0]?.sealed ?? Buffer.alloc(0))).toBe('another');
});

test('rows that refer to a value are written while it is being sealed anew', async () => {
  const kid = await addSecret((id) => oldBox.seal(id, 'signs'));
  const using = await schema.connect();
  await using.query("SET lock_timeout = '1s'");
  const inTheMiddle = {
    query: schema.query.bind(schema),
    transaction: <T>(work: (tx: never) => Promise<T>) =>
      schema.transaction(async (tx) => {
        const result = await work(tx as never);
        // Not committed yet: the row is locked.
        await using.query('INSERT INTO uses VALUES ($1)', [kid]);
        return result;
      }),
  };
  await new Resealing(inTheMiddle as never, rings.after, columns.slice(0, 1)).step();
  await using.end();
  expect((await schema.query('SELECT 1 FROM uses')).rows.length).toBeGreaterThan(0);
});

test('several at it at once do each value once, and those of the setting before seal nothing back unless they are asked to', async () => {
  const done = await Promise.all([resealing().step(), resealing().step(), resealing().step()]);
  const rest = await resealing().step();
  expect([...done, rest].reduce((sum, { resealed }) => sum + resealed, 0)).toBe(accounts);
  const late = new SealedBox(rings.before).seal('app-0/desk 0', 'of desk 0');
  await schema.query("UPDATE accounts SET sealed = $1 WHERE app_id = 'app-0' AND username = 'desk 0'", [late]);
  expect(await resealing().view()).toMatchObject({ left: 1 });
  expect(await resealing().step()).toEqual({ resealed: 1, unreadable: 0 });
});

test('what no key here opens stays as it is, is told of, and keeps nobody else from being sealed anew', async () => {
  const lost = new SealedBox(new KeyRing([{ id: 'lost', bytes: randomBytes(32) }])).seal('app-1/desk 1', 'of desk 1');
  await schema.query("UPDATE accounts SET sealed = $1 WHERE app_id = 'app-1' AND username = 'desk 1'", [lost]);
  expect(await resealing().step()).toEqual({ resealed: accounts - 1, unreadable: 1 });
  expect(await resealing().view()).toMatchObject({ left: 1, keys: [{}, { values: 0 }, { keyId: null, values: 1 }] });
  const { rows } = await schema.query<{ sealed: Buffer }>("SELECT sealed FROM accounts WHERE username = 'desk 1'");
  expect(rows[0]?.sealed).toEqual(lost);
});

test('it stops when its time is over, and is gone on with where it stopped', async () => {
  let batches = 0;
  expect(await resealing().step(() => ++batches <= 3)).toEqual({ resealed: 2 * resealBatch, unreadable: 0 });
  expect(await resealing().view()).toMatchObject({ left: accounts - 2 * resealBatch });
});
