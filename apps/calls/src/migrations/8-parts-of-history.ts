import { type Migration, sqlMigration } from '@communication-center/service';

/**
 * Who had which outcome in which call, in the order in which calls are listed. An empty user stands for everyone, an empty
 * outcome for any: each question that a list asks is one range of the primary key.
 */
export const partsOfHistory: Migration = sqlMigration('PartsOfHistory1764050000080', [
  `CREATE TABLE call_parts (
     app_id text NOT NULL,
     user_alias text NOT NULL,
     outcome text NOT NULL,
     dialed_at timestamptz NOT NULL,
     call_id uuid NOT NULL,
     PRIMARY KEY (app_id, user_alias, outcome, dialed_at, call_id)
   )`,
  `INSERT INTO call_parts (app_id, user_alias, outcome, dialed_at, call_id)
   SELECT app_id, who, what, dialed_at, call_id
   FROM call_history, jsonb_array_elements(parts) AS part, unnest(ARRAY['', part->>'userAlias']) AS who, unnest(ARRAY['', part->>'outcome']) AS what
   WHERE what IS NOT NULL AND (who <> '' OR what <> '')
   UNION SELECT app_id, unnest(participants), '', dialed_at, call_id FROM call_history`,
  'DROP INDEX call_history_by_person',
]);
