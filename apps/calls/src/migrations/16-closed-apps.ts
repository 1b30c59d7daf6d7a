import { erasedAppsTables, type Migration, sqlMigration } from '@communication-center/service';

/** Apps that were suspended or deleted a moment ago: how far it was looked for their calls, and for how long calls may still begin. */
export const closedApps: Migration = sqlMigration('ClosedApps1764540000066', [
  "ALTER TABLE app_options ADD COLUMN state text NOT NULL DEFAULT 'active'",
  `CREATE TABLE closing_apps (
     app_id text PRIMARY KEY,
     after text NOT NULL DEFAULT '',
     look_at timestamptz NOT NULL DEFAULT clock_timestamp(),
     until timestamptz NOT NULL
   )`,
  ...erasedAppsTables,
]);
