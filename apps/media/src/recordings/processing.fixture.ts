import { randomUUID } from 'node:crypto';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AppId, CallId, RecordingId } from '@communication-center/contracts';
import type { Sql } from '@communication-center/event-log';
import { media } from '../migrations/1-media.js';
import { departures } from '../migrations/2-departures.js';
import { consumers } from '../migrations/3-consumers.js';
import { outbox } from '../migrations/4-outbox.js';
import { outboxFunctions } from '../migrations/5-outbox-functions.js';
import { outboxRows } from '../migrations/6-outbox-rows.js';
import { quality } from '../migrations/8-quality.js';
import { recordings } from '../migrations/10-recordings.js';
import { forgottenReaders } from '../migrations/12-forgotten-readers.js';
import type { MediaSettings } from '../settings.js';
import { ProcessRecordings } from './process-recordings.js';
import { type Heard, noteBegun, noteState, type RecordingRow } from './recording-rows.js';
import { DiskStore } from './storage/disk-store.js';

export const demo = 'demo' as AppId;
const fixtures = join(import.meta.dirname, 'fixtures/two-people');
/** A schema of a test. */
interface Schema extends Sql {
  schema: string;
  transaction: <T>(work: (tx: Sql) => Promise<T>) => Promise<T>;
  drop: () => Promise<void>;
}

/** What the test that runs has: a schema, and a folder in which recordings lie. */
export const here = {} as { schema: Schema; folder: string };
/** What replicas reported, until a test has looked at it. */
export const errors: unknown[] = [];
const replicas: ProcessRecordings[] = [];

/** What makes the tables. */
export const needed = [media, departures, consumers, outbox, outboxFunctions, outboxRows, quality, recordings, forgottenReaders];

/** Makes what a test needs, but for its schema. */
export async function begin(schema: Schema): Promise<void> {
  here.schema = schema;
  here.folder = await mkdtemp(join(tmpdir(), 'recordings-'));
}

/** Stops whatever runs. */
export async function stopAll(): Promise<void> {
  for (const replica of replicas.splice(0)) await replica.beforeApplicationShutdown();
}

/** Leaves nothing. @returns what was reported, and no test has looked at. */
export async function end(): Promise<unknown[]> {
  await stopAll();
  await here.schema.drop();
  await rm(here.folder, { recursive: true, force: true });
  return errors.splice(0);
}

export const heardOf = (more: Partial<Heard> = {}): Heard => ({
  ...{ recordingId: randomUUID() as RecordingId, callId: randomUUID() as CallId, appId: demo },
  ...{ sequence: 3, at: '2026-11-28T12:00:00.000Z', wanted: 'recording', ...more },
});
export const database = () => {
  const { schema } = here;
  const sql = { schema: schema.schema, query: schema.query.bind(schema), transaction: schema.transaction.bind(schema) };
  return { ...sql, of: () => sql, background: sql } as never;
};
export const storages = () => {
  const storage = { storageId: null, store: new DiskStore(join(here.folder, 'kept')), prefix: '' };
  return { currentOf: async () => storage, of: async () => storage, keptDaysOf: async () => 7 } as never;
};
/** How people are called: who is not named here has no name. */
export const people = { names: new Map<string, string>(), of: async () => people.names };
export function aReplica(more: Partial<MediaSettings> = {}): ProcessRecordings {
  const settings = { RECORDINGS_FOLDER: here.folder, RECORDING_JOBS: 1, RECORDING_STEP_MS: 60_000, KEEP_RECORDINGS_DAYS: 30, ...more };
  const report = (error: unknown) => void errors.push(error);
  const replica = new ProcessRecordings(
    database(),
    { committed: () => undefined } as never,
    storages(),
    settings as MediaSettings,
    report,
    people as never,
  );
  replicas.push(replica);
  return replica;
}
export const rowOf = async (recordingId: string) =>
  (await here.schema.query<RecordingRow>('SELECT * FROM recordings WHERE recording_id = $1', [recordingId])).rows[0];
export const toldOf = async () =>
  (await here.schema.query<{ type: string }>("SELECT event->>'type' AS type FROM outbox")).rows.map(({ type }) => type);

/** A recording that came to its end, with what a Janus wrote of it. */
export async function stopped(replica: ProcessRecordings, from = fixtures): Promise<RecordingId> {
  const heard = heardOf();
  await noteBegun(here.schema, heard);
  const { raw } = replica.foldersOf(heard.recordingId);
  if (from) await cp(from, raw, { recursive: true });
  const row = await noteState(here.schema, { recording_id: heard.recordingId, state: 'starting' }, { state: 'processing' }, true);
  if (!row) throw new Error('it did not stop');
  await replica.add(here.schema, row);
  await here.schema.query("UPDATE recording_jobs SET next_attempt_at = now() - interval '1 second'");
  return heard.recordingId;
}
