/*
 * Where an app has its recordings kept, on a real PostgreSQL: what it named last counts, nobody is told its secret, what was kept elsewhere before is
 * still found there, and no other app's place is ever used.
 */
import { randomBytes } from 'node:crypto';
import type { AppId } from '@communication-center/contracts';
import type { RecordingStorageBody } from '@communication-center/contracts/recordings';
import { secretsKeySetting } from '@communication-center/service';
import { Fleet, TestSchema } from '@communication-center/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { quality } from '../../migrations/8-quality.js';
import { recordings } from '../../migrations/10-recordings.js';
import type { MediaSettings } from '../../settings.js';
import { recordingsOfDeletedApps } from '../delete-recordings.js';
import { DiskStore } from './disk-store.js';
import { RecordingStorages } from './recording-storages.js';
import { S3Store } from './s3-store.js';

const fleet = new Fleet();
const [mine, theirs] = ['mine', 'theirs'] as AppId[] as [AppId, AppId];
const SECRETS_KEY = secretsKeySetting.parse(randomBytes(32).toString('base64'));
const body: RecordingStorageBody = {
  ...{ endpoint: 'https://s3.example.com', region: 'eu-central-1', bucket: 'calls', prefix: 'center/', encryption: 'AES256' },
  ...{ accessKeyId: 'identity', secretAccessKey: 'the-secret-of-mine' },
};
let schema: TestSchema;

beforeEach(async () => {
  schema = await TestSchema.migrated(fleet, [quality, recordings]);
});
afterEach(() => schema.drop());

function storages(more: Partial<MediaSettings> = {}): RecordingStorages {
  const guarded = { PROFILE: 'production', ALLOW_PRIVATE_ADDRESSES: false, OUTSIDE_PORTS: [443], OUTSIDE_ALLOWED: [] };
  const settings = { ...guarded, SECRETS_KEY, RECORDINGS_FOLDER: '/nowhere', DIRECTORY_URL: ['http://127.0.0.1:1'], ...more };
  const database = { query: schema.query.bind(schema), transaction: schema.transaction.bind(schema) };
  return new RecordingStorages(database as never, {} as never, settings as unknown as MediaSettings);
}

test('what an app named last counts, for it alone; what was kept before is found where it was', async () => {
  const office = storages();
  expect(await office.currentOf(mine)).toMatchObject({ storageId: null, store: expect.any(DiskStore), prefix: '' });
  expect(await office.save(mine, body)).toEqual({ ...body, secretAccessKey: undefined });
  const first = await office.currentOf(mine);
  expect(first).toMatchObject({ storageId: expect.any(String), store: expect.any(S3Store), prefix: 'center/' });
  await office.save(mine, { ...body, bucket: 'others' });
  const second = await office.currentOf(mine);
  expect(second.storageId).not.toBe(first.storageId);
  expect(await office.of(first.storageId)).toMatchObject({ storageId: first.storageId, prefix: 'center/' });
  await office.save(mine, { ...body, secretAccessKey: 'another-secret' });
  expect((await office.currentOf(mine)).storageId).toBe(first.storageId);
  await office.leave(mine);
  expect((await office.currentOf(mine)).storageId).toBeNull();
  expect(await office.view(mine)).toBeUndefined();
  expect((await office.currentOf(theirs)).storageId).toBeNull();
  await expect(office.of('00000000-0000-4000-8000-000000000000')).rejects.toThrow('not known');
});

test('its secret is sealed, told to nobody, and opens for no other app', async () => {
  const office = storages();
  await office.save(mine, body);
  expect(JSON.stringify(await office.view(mine))).not.toContain('the-secret');
  const { rows } = await schema.query<{ sealed: Buffer }>('SELECT sealed FROM recording_storages');
  expect(rows[0]?.sealed.toString('latin1')).not.toContain('the-secret');
  await schema.query("UPDATE recording_storages SET app_id = 'theirs'");
  await expect(office.currentOf(theirs)).rejects.toThrow('does not open');
});

test('an address that an app may not name is refused, naming the field', () => {
  const office = storages();
  for (const endpoint of [
    'https://127.0.0.1',
    'https://10.1.2.3',
    'http://s3.example.com',
    'https://s3.example.com:9000',
    'https://u:p@s3.example.com',
  ]) {
    expect(() => office.require({ ...body, endpoint }), endpoint).toThrowError(expect.objectContaining({ code: 'invalid_request' }));
  }
  expect(() => office.require(body)).not.toThrow();
});

test('an app has so many places and no more: those in which nothing is kept make room', async () => {
  const office = storages();
  const named = (index: number) => office.save(mine, { ...body, prefix: `${index}/` });
  for (let index = 0; index < 25; index += 1) await named(index);
  const places = async () => (await schema.query<{ place: string }>('SELECT place FROM recording_storages')).rows.length;
  expect(await places()).toBeLessThanOrEqual(20);
  const full = async () =>
    schema.query(`INSERT INTO recordings (recording_id, call_id, app_id, heard, started_at, storage_id)
      SELECT gen_random_uuid(), gen_random_uuid(), app_id, 1, now(), storage_id FROM recording_storages`);
  while ((await places()) < 20) await named(100 + (await places()));
  await full();
  await expect(named(200)).rejects.toMatchObject({ code: 'conflict' });
  expect(await places()).toBe(20);
  await office.save(theirs, body);
  await schema.query(
    "DELETE FROM recordings WHERE storage_id = (SELECT storage_id FROM recording_storages WHERE NOT is_current AND app_id = 'mine' LIMIT 1)",
  );
  await named(200);
  expect(await office.currentOf(mine)).toMatchObject({ prefix: '200/' });
});

test('a place goes with its app, once nothing is kept there', async () => {
  const office = storages();
  await office.save(mine, body);
  const { storageId } = await office.currentOf(mine);
  await schema.query(
    "INSERT INTO recordings (recording_id, call_id, app_id, heard, started_at, storage_id) VALUES (gen_random_uuid(), gen_random_uuid(), 'mine', 1, now(), $1)",
    [storageId],
  );
  const [, erasure] = recordingsOfDeletedApps;
  expect((await schema.query(erasure?.statement ?? '', ['mine'])).rowCount).toBe(0);
  await schema.query('DELETE FROM recordings');
  expect((await schema.query(erasure?.statement ?? '', ['theirs'])).rowCount).toBe(0);
  expect((await schema.query(erasure?.statement ?? '', ['mine'])).rowCount).toBe(1);
});
