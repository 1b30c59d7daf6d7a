/*
 * A recording whose files a server that speaks S3 does not take at first, since it hangs in the middle, is kept there all the same: the try is given
 * up, reported, and made again, without making the files again. On a real PostgreSQL and a real S3 server. For npm run check:long: S3_HANGS.
 */
import { randomUUID } from 'node:crypto';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AppId, CallId, RecordingId } from '@communication-center/contracts';
import { eventually, Fleet, TestSchema } from '@communication-center/testing';
import { expect, test } from 'vitest';
import { media } from '../migrations/1-media.js';
import { departures } from '../migrations/2-departures.js';
import { consumers } from '../migrations/3-consumers.js';
import { outbox } from '../migrations/4-outbox.js';
import { outboxFunctions } from '../migrations/5-outbox-functions.js';
import { outboxRows } from '../migrations/6-outbox-rows.js';
import { quality } from '../migrations/8-quality.js';
import { recordings } from '../migrations/10-recordings.js';
import type { MediaSettings } from '../settings.js';
import { ProcessRecordings } from './process-recordings.js';
import { noteBegun, noteState, type RecordingRow } from './recording-rows.js';
import { GuardedHandler } from './storage/guarded-handler.js';
import { S3Server } from './storage/s3-server.fixture.js';
import { S3Store } from './storage/s3-store.js';

const app = 'demo' as AppId;

test.runIf(process.env.S3_HANGS === 'true')(
  'its job is tried again, and ends with its files there',
  async () => {
    const schema = await TestSchema.migrated(new Fleet(), [
      media,
      departures,
      consumers,
      outbox,
      outboxFunctions,
      outboxRows,
      quality,
      recordings,
    ]);
    const folder = await mkdtemp(join(tmpdir(), 'kept-late-'));
    const server = await S3Server.start();
    const errors: unknown[] = [];
    const sql = { schema: schema.schema, query: schema.query.bind(schema), transaction: schema.transaction.bind(schema) };
    const store = new S3Store(server.place, new GuardedHandler(undefined, 1000));
    const storage = { storageId: null, store, prefix: 'center/' };
    const replica = new ProcessRecordings(
      { ...sql, of: () => sql, background: sql } as never,
      { committed: () => undefined } as never,
      { currentOf: async () => storage, of: async () => storage, keptDaysOf: async () => 7 } as never,
      { RECORDINGS_FOLDER: folder, RECORDING_JOBS: 1, RECORDING_STEP_MS: 60_000, KEEP_RECORDINGS_DAYS: 30 } as MediaSettings,
      (error) => void errors.push(error),
      { of: async () => new Map() } as never,
    );
    try {
      const recordingId = randomUUID() as RecordingId;
      const heard = { recordingId, callId: randomUUID() as CallId, appId: app, sequence: 3, at: new Date().toISOString() };
      await noteBegun(schema, { ...heard, wanted: 'recording' });
      await cp(join(import.meta.dirname, 'fixtures/two-people'), replica.foldersOf(recordingId).raw, { recursive: true });
      const row = await noteState(schema, { recording_id: recordingId, state: 'starting' }, { state: 'processing' }, true);
      await replica.add(schema, row as RecordingRow);
      // All three tries that one request has.
      server.hang(3, 2000);
      replica.onApplicationBootstrap();
      const jobs = async () => (await schema.query<{ attempts: number }>('SELECT attempts FROM recording_jobs')).rows;
      const rows = async () => (await schema.query<RecordingRow>('SELECT * FROM recordings')).rows;
      await eventually('the first try being given up', () => errors.length === 1, 60_000);
      expect([server.hung, errors[0]]).toEqual([3, expect.objectContaining({ message: 'The files of a recording could not be kept' })]);
      expect([await jobs(), await rows()]).toMatchObject([[{ attempts: 1 }], [{ state: 'processing', fault: null }]]);
      await eventually('the files', async () => (await rows())[0]?.state === 'ready', 60_000);
      expect(await jobs()).toEqual([]);
      const { rows: files } = await schema.query<{ name: string; described: { bytes: number } }>(
        'SELECT name, described FROM recording_files',
      );
      expect(files.length).toBeGreaterThanOrEqual(6);
      for (const { name, described } of files) {
        const kept = await store.read(`center/${app}/${recordingId}/${name}`, { start: 0, end: 2 ** 30 });
        const parts = await kept?.toArray();
        expect(Buffer.concat(parts as Buffer[]).length, name).toBe(described.bytes);
      }
      expect(errors).toHaveLength(1);
    } finally {
      await replica.beforeApplicationShutdown();
      await server.stop();
      await schema.drop();
      await rm(folder, { recursive: true, force: true });
    }
  },
  150_000,
);
