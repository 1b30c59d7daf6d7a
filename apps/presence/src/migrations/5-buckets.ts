import { concurrentIndexes, type Migration, sqlMigration } from '@communication-center/service';

/**
 * Changes of an app are told in sixteen orders side by side. The tables of the one order before go: a replica of the earlier
 * release fails to publish until it is replaced, and what it did not publish stays marked.
 */
export const buckets: Migration = sqlMigration('Buckets1764000000031', [
  'DROP TABLE changes, positions',
  `CREATE TABLE bucket_positions (
     app_id text NOT NULL,
     bucket smallint NOT NULL CHECK (bucket BETWEEN 0 AND 15),
     position bigint NOT NULL,
     PRIMARY KEY (app_id, bucket)
   ) WITH (fillfactor = 50)`,
  `CREATE TABLE bucket_changes (
     app_id text NOT NULL,
     bucket smallint NOT NULL,
     position bigint NOT NULL,
     user_alias text NOT NULL,
     presence json NOT NULL,
     changed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
     PRIMARY KEY (app_id, bucket, position)
   )`,
  'CREATE INDEX bucket_changes_changed ON bucket_changes (changed_at)',

  // Who has to be looked at waits in the order of the marks, a queue for each bucket; whose look failed waits for its time.
  `ALTER TABLE people_to_look_at
     ADD COLUMN bucket smallint NOT NULL DEFAULT 0,
     ADD COLUMN marked_at timestamptz NOT NULL DEFAULT now(),
     ADD COLUMN tries int NOT NULL DEFAULT 0,
     ADD COLUMN try_at timestamptz,
     ADD COLUMN last_error text`,
  'ALTER TABLE people_to_look_at SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000)',
  'CREATE INDEX people_to_look_at_waiting ON people_to_look_at (app_id, bucket, marked_at) WHERE tries = 0',
  'CREATE INDEX people_to_look_at_set_aside ON people_to_look_at (try_at) WHERE tries > 0',

  // Lists go by status and in the order of bytes. The status is a column of its own: only where it changes do indexes.
  'ALTER TABLE people ADD COLUMN status text',
  'ALTER TABLE people SET (fillfactor = 80)',

  // One user's question reads that user's rows: an alias that many apps use says nothing of whose calls are meant.
  `CREATE FUNCTION parties(app_id text, participants text[]) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE
     AS $$ SELECT array_agg(app_id || '/' || party) FROM unnest(participants) AS party $$`,
]);

export const statuses: Migration = sqlMigration('Statuses1764000000032', [
  "UPDATE people SET status = published->>'status' WHERE published IS NOT NULL AND status IS NULL",
]);

export const byPerson: Migration = concurrentIndexes('ByPerson1764000000033', {
  people_listed: 'ON people (app_id, user_alias COLLATE "C") WHERE status IS NOT NULL',
  people_by_status: 'ON people (app_id, status, user_alias COLLATE "C") WHERE status IS NOT NULL',
  current_calls_by_party: 'ON current_calls USING gin (parties(app_id, participants)) WITH (fastupdate = off) WHERE NOT ended',
  seen_devices_latest: 'ON seen_devices (app_id, user_alias, last_seen_at DESC, device_id)',
  device_sessions_of_user: 'ON device_sessions (app_id, user_alias, opened_at DESC, session_id) WHERE closed_at IS NULL',
});

export const replacedIndexes: Migration = sqlMigration('ReplacedIndexes1764000000034', [
  'DROP INDEX current_calls_by_person',
  'DROP INDEX device_sessions_open',
]);
