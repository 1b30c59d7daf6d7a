import { type Migration, sqlMigration } from '@communication-center/service';

/**
 * Recordings of calls: what is wanted of each and what became of it, whose feeds it has, the jobs that make its files, and where those are.
 * `look_at` is when an active one is looked at next; `expires_at` when what there is of it goes.
 */
export const recordings: Migration = sqlMigration('Recordings1764950000110', [
  `CREATE TABLE recording_storages (
     storage_id uuid PRIMARY KEY,
     app_id text NOT NULL,
     place text NOT NULL,
     is_current boolean NOT NULL,
     sealed bytea NOT NULL,
     UNIQUE (app_id, place)
   )`,
  `CREATE TABLE recordings (
     recording_id uuid PRIMARY KEY,
     call_id uuid NOT NULL,
     app_id text NOT NULL,
     state text NOT NULL DEFAULT 'starting',
     wanted text NOT NULL DEFAULT 'recording',
     heard int NOT NULL,
     told int NOT NULL DEFAULT 0,
     started_at timestamptz NOT NULL,
     stopped_at timestamptz,
     look_at timestamptz,
     fault text,
     is_told_to_call boolean NOT NULL DEFAULT true,
     seconds float8,
     storage_id uuid REFERENCES recording_storages,
     expires_at timestamptz,
     is_erased boolean NOT NULL DEFAULT false,
     created_at timestamptz NOT NULL DEFAULT clock_timestamp()
   )`,
  'CREATE INDEX recordings_due ON recordings (look_at) WHERE look_at IS NOT NULL',
  'CREATE INDEX recordings_by_call ON recordings (call_id)',
  'CREATE INDEX recordings_by_app ON recordings (app_id, started_at DESC, recording_id DESC)',
  'CREATE INDEX recordings_expiring ON recordings (expires_at) WHERE expires_at IS NOT NULL',
  'CREATE INDEX recordings_in_storage ON recordings (storage_id) WHERE storage_id IS NOT NULL',
  'CREATE INDEX recordings_to_tell ON recordings (recording_id) WHERE NOT is_told_to_call',
  `CREATE TABLE recording_feeds (
     recording_id uuid NOT NULL REFERENCES recordings ON DELETE CASCADE,
     feed text NOT NULL,
     user_alias text NOT NULL,
     device_id text NOT NULL,
     PRIMARY KEY (recording_id, feed)
   )`,
  `CREATE TABLE recording_jobs (
     recording_id uuid PRIMARY KEY REFERENCES recordings ON DELETE CASCADE,
     app_id text NOT NULL,
     state text NOT NULL DEFAULT 'pending',
     attempts int NOT NULL DEFAULT 0,
     next_attempt_at timestamptz NOT NULL DEFAULT clock_timestamp(),
     progress real NOT NULL DEFAULT 0
   )`,
  "CREATE INDEX recording_jobs_due ON recording_jobs (app_id, next_attempt_at) WHERE state = 'pending'",
  `CREATE TABLE recording_files (
     recording_id uuid NOT NULL REFERENCES recordings ON DELETE CASCADE,
     number int NOT NULL,
     name text NOT NULL,
     described jsonb NOT NULL,
     PRIMARY KEY (recording_id, number)
   )`,
]);
