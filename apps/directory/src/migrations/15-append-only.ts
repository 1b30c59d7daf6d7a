import { type Migration, sqlMigration } from '@communication-center/service';

/**
 * What is on record stays as it is: nothing of it is changed, by whomever, and nothing goes before the shortest time for which it may be
 * kept has passed.
 */
export const appendOnly: Migration = sqlMigration('AppendOnly1764540000068', [
  `CREATE FUNCTION keep_audit() RETURNS trigger LANGUAGE plpgsql AS $$
   BEGIN
     IF TG_OP = 'DELETE' AND TG_LEVEL = 'ROW' THEN
       IF OLD.at < now() - interval '1 day' THEN
         RETURN OLD;
       END IF;
     END IF;
     RAISE EXCEPTION 'what is on record stays as it is' USING ERRCODE = 'insufficient_privilege';
   END $$`,
  'CREATE TRIGGER audit_is_kept BEFORE UPDATE OR DELETE ON audit FOR EACH ROW EXECUTE FUNCTION keep_audit()',
  'CREATE TRIGGER audit_is_kept_whole BEFORE TRUNCATE ON audit FOR EACH STATEMENT EXECUTE FUNCTION keep_audit()',
]);
