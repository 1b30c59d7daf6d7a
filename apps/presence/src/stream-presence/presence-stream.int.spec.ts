/*
 * A fresh reader is told where everybody is, then every change: also of those who move while he is told.
 */
import { EventEmitter } from 'node:events';
import type { AppId, UserAlias } from '@communication-center/contracts';
import { eventually, Fleet, TestSchema } from '@communication-center/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { migrations } from '../migrations/index.js';
import { PresenceStream, type StreamResponse } from './presence-stream.js';
import { SharedReads } from './shared-reads.js';

const fleet = new Fleet();
const appId = 'app' as AppId;
let schema: TestSchema;

beforeEach(async () => {
  schema = await TestSchema.migrated(fleet, migrations);
  await schema.query(
    "INSERT INTO bucket_positions (app_id, bucket, position) SELECT 'app', bucket, 0 FROM generate_series(0, 15) AS bucket",
  );
});
afterEach(() => schema.drop());

/** Publishes that somebody is somewhere else. */
async function move(userAlias: string, version: number): Promise<void> {
  const presence = JSON.stringify({ userAlias, version, status: 'online', doNotDisturb: false, calls: [], devices: [], lastSeenAt: null });
  await schema.query(
    `WITH place AS (UPDATE bucket_positions SET position = position + 1 WHERE app_id = 'app' AND bucket = 3 RETURNING position),
          person AS (
            INSERT INTO people (app_id, user_alias, version, status, published) VALUES ('app', $1, $2, 'online', $3)
            ON CONFLICT (app_id, user_alias) DO UPDATE SET version = excluded.version, published = excluded.published)
     INSERT INTO bucket_changes (app_id, bucket, position, user_alias, presence) SELECT 'app', 3, position, $1, $3 FROM place`,
    [userAlias, version, presence],
  );
}

class Reader extends EventEmitter {
  readonly told: string[] = [];
  /** Called with each text, before the next is written. */
  onText: (text: string) => void = () => undefined;

  write(text: string): boolean {
    const { userAlias, version } = JSON.parse(/^data: (.*)$/m.exec(text)?.[1] ?? '{}') as { userAlias?: string; version?: number };
    if (userAlias) this.told.push(`${userAlias} ${version}`);
    if (text.startsWith('event: ready')) this.told.push('ready');
    this.onText(text);
    return true;
  }
  end(): void {
    this.emit('close');
  }
}

/** Runs statements, and something before one that is about a table. */
function meanwhile(table: string, act: () => Promise<void>): Pick<TestSchema, 'query'> {
  let isDone = false;
  return {
    query: async (text, values) => {
      if (!isDone && text.includes(`FROM ${table}`)) {
        isDone = true;
        await act();
      }
      return schema.query(text, values);
    },
  };
}

async function told(sql: Pick<TestSchema, 'query'>, only?: UserAlias[]): Promise<string[]> {
  const reader = new Reader();
  const about = { appId, only, from: undefined };
  const stream = new PresenceStream(sql as never, new SharedReads(sql as never), about, reader as unknown as StreamResponse, (error) => {
    throw error;
  });
  stream.wake();
  await eventually('the reader being up to date', () => reader.told.includes('ready'));
  await move('zoe', 1);
  stream.wake();
  await eventually('the last change', () => reader.told.some((one) => one.startsWith('zoe')) || only !== undefined);
  return reader.told;
}

test.each([undefined, ['alice' as UserAlias]])(
  'who moves before he is told, behind the place he was read from, is told once (%s)',
  async (only) => {
    await move('alice', 1);
    const heard = await told(
      meanwhile('people', () => move('alice', 2)),
      only,
    );
    expect(heard.filter((one) => one.startsWith('alice'))).toEqual(['alice 2']);
  },
);

test('who moves again after he was told is told again, and others are told whatever becomes of them', async () => {
  await move('alice', 1);
  await move('bob', 1);
  const sql = meanwhile('people', () => move('alice', 2));
  const reader = new Reader();
  let moving: Promise<void> | undefined;
  reader.onText = (text) => {
    if (text.includes('"bob"') && !moving) moving = move('alice', 3).then(() => move('bob', 2));
  };
  const about = { appId, only: undefined, from: undefined };
  const stream = new PresenceStream(
    sql as never,
    new SharedReads(sql as never),
    about,
    reader as unknown as StreamResponse,
    () => undefined,
  );
  stream.wake();
  await eventually('the moves', () => moving?.then(() => true));
  stream.wake();
  await eventually('all of it', () => reader.told.includes('bob 2') && reader.told.includes('alice 3'));
  expect(reader.told.filter((one) => one !== 'ready')).toEqual(['alice 2', 'bob 1', 'alice 3', 'bob 2']);
});
