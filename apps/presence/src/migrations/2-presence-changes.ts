import { type Migration, sqlMigration } from '@communication-center/service';

/** Presence is published when it changes: who has to be looked at again, what was said last, and what was said in which order. */
export const presenceChanges: Migration = sqlMigration('PresenceChanges1763950000002', [
  'ALTER TABLE device_sessions ADD COLUMN away boolean NOT NULL DEFAULT false',
  'ALTER TABLE known_users ADD COLUMN do_not_disturb boolean NOT NULL DEFAULT false',
  'ALTER TABLE people ADD COLUMN published jsonb',
  'ALTER TABLE people DROP COLUMN last_seen_at',
  `CREATE TABLE people_to_look_at (
     app_id text NOT NULL,
     user_alias text NOT NULL,
     marks int NOT NULL DEFAULT 1,
     PRIMARY KEY (app_id, user_alias)
   )`,
  `CREATE TABLE seen_devices (
     app_id text NOT NULL,
     user_alias text NOT NULL,
     device_id text NOT NULL,
     platform text NOT NULL,
     last_seen_at timestamptz NOT NULL,
     PRIMARY KEY (app_id, user_alias, device_id)
   )`,
  'CREATE TABLE positions (app_id text PRIMARY KEY, position bigint NOT NULL)',
  `CREATE TABLE changes (
     app_id text NOT NULL,
     position bigint NOT NULL,
     user_alias text NOT NULL,
     presence json NOT NULL,
     changed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
     PRIMARY KEY (app_id, position)
   )`,
  'CREATE INDEX changes_changed ON changes (changed_at)',
]);
