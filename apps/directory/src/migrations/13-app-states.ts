import { type Migration, sqlMigration } from '@communication-center/service';

/** An app may be suspended, and deleted: then its row stays, which keeps its name and its sequence from coming again. */
export const appStates: Migration = sqlMigration('AppStates1764540000066', [
  "ALTER TABLE apps ADD COLUMN state text NOT NULL DEFAULT 'active'",
  'ALTER TABLE apps ADD COLUMN deleted_at timestamptz',
  'ALTER TABLE apps ADD COLUMN erased_at timestamptz',
  'CREATE INDEX apps_to_erase ON apps (deleted_at) WHERE deleted_at IS NOT NULL AND erased_at IS NULL',
  'CREATE INDEX apps_erased ON apps (erased_at) WHERE erased_at IS NOT NULL',
]);
