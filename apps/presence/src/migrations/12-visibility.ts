import { type Migration, sqlMigration } from '@communication-center/service';
import { lookAtPeople } from '../publish-changes/turn-functions.js';

/** Who sees whom: by the rule of the app, and the groups of its users. */
export const visibility: Migration = sqlMigration('Visibility1764540000067', [
  "ALTER TABLE known_users ADD COLUMN groups text[] NOT NULL DEFAULT '{}'",
  'CREATE TABLE app_rules (app_id text PRIMARY KEY, sequence bigint NOT NULL, rule text NOT NULL)',
  lookAtPeople,
]);
