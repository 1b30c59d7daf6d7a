import { type Migration, sqlMigration } from '@communication-center/service';

/** Calls that ended a short while ago, by each of their people: asked for whenever a device connects, so never by app. */
export const recentCalls: Migration = sqlMigration('RecentCalls1764000000040', [
  `CREATE TABLE recent_calls (
     app_id text NOT NULL,
     user_alias text NOT NULL,
     call_id uuid NOT NULL,
     ended_at timestamptz NOT NULL,
     PRIMARY KEY (app_id, user_alias, call_id)
   )`,
  'CREATE INDEX recent_calls_ended ON recent_calls (ended_at)',
  `INSERT INTO recent_calls (app_id, user_alias, call_id, ended_at)
   SELECT DISTINCT app_id, unnest(participants), call_id, ended_at FROM calls WHERE ended_at > now() - interval '5 minutes'`,
  'DROP INDEX calls_ended',
]);
