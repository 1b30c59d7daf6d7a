import { type Migration, sqlMigration } from '@communication-center/service';

/**
 * Says of which apps endpoints have changed, in an order: the one row of the version is locked until the commit, so that no
 * version becomes visible before a lower one. By trigger, so that no writer forgets it.
 */
export const endpointChanges: Migration = sqlMigration('EndpointChanges1764400000002', [
  'CREATE TABLE endpoint_version (only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row), version bigint NOT NULL)',
  'INSERT INTO endpoint_version (version) VALUES (0)',
  'CREATE TABLE endpoint_changes (app_id text PRIMARY KEY, version bigint NOT NULL)',
  'CREATE INDEX endpoint_changes_version ON endpoint_changes (version)',
  `CREATE FUNCTION note_endpoint_change() RETURNS trigger LANGUAGE plpgsql AS $$
   DECLARE next bigint;
   BEGIN
     UPDATE endpoint_version SET version = version + 1 RETURNING version INTO next;
     INSERT INTO endpoint_changes (app_id, version) VALUES (NEW.app_id, next)
     ON CONFLICT (app_id) DO UPDATE SET version = excluded.version;
     RETURN NULL;
   END $$`,
  'CREATE TRIGGER endpoints_changed AFTER INSERT OR UPDATE ON endpoints FOR EACH ROW EXECUTE FUNCTION note_endpoint_change()',
]);
