import { pinnedPlans } from '@communication-center/event-log';
import { iso, placing, readingInTurn, readingInTurnWithGroups } from './presence-functions.js';

/** Saves `calls` as far as they are newer than what is saved. */
const saving = `INSERT INTO current_calls (call_id, app_id, sequence, ended, participants, call)
     SELECT * FROM json_to_recordset(calls) AS folded(call_id uuid, app_id text, sequence int, ended boolean, participants text[], call jsonb)
     ORDER BY call_id
     ON CONFLICT (call_id) DO UPDATE
     SET sequence = excluded.sequence, ended = excluded.ended, participants = excluded.participants, call = excluded.call, updated_at = clock_timestamp()
     WHERE current_calls.sequence < excluded.sequence;`;

/** Locks the people who are looked at, in one order, and counts the look. */
const beforeLook = `-- Whoever was set aside is not even locked: the look at them is made when their time has come.
     SELECT array_agg(who.app_id), array_agg(who.user_alias) INTO apps, aliases
     FROM unnest(apps, aliases) AS who(app_id, user_alias)
     WHERE NOT EXISTS (SELECT FROM people_to_look_at AS mark
                       WHERE mark.app_id = who.app_id AND mark.user_alias = who.user_alias AND mark.tries > 0);
     INSERT INTO people (app_id, user_alias, version)
     SELECT who.app_id, who.user_alias, 0 FROM unnest(apps, aliases) AS who(app_id, user_alias) ORDER BY 1, 2
     ON CONFLICT DO NOTHING;
     PERFORM FROM people JOIN unnest(apps, aliases) AS who(app_id, user_alias)
       ON people.app_id = who.app_id AND people.user_alias = who.user_alias
     ORDER BY people.app_id, people.user_alias FOR UPDATE OF people;
     UPDATE people SET turn = people.turn + 1 FROM unnest(apps, aliases) AS who(app_id, user_alias)
     WHERE people.app_id = who.app_id AND people.user_alias = who.user_alias;`;

/**
 * A person's turn rises with every look, under the lock of the person's row: whoever remembers what was found in a turn, and finds
 * the same turn under the lock, knows that nobody has looked since. Whoever changes what is known of a person looks, or leaves a mark.
 */
export const turnFunctions = [
  'ALTER TABLE people ADD COLUMN turn bigint NOT NULL DEFAULT 0',
  `CREATE OR REPLACE FUNCTION save_calls(calls json) RETURNS void LANGUAGE plpgsql ${pinnedPlans} AS $$
   BEGIN
     ${saving}
   END $$`,
  `CREATE OR REPLACE FUNCTION look_in_turn(apps text[], aliases text[])
   RETURNS TABLE (app_id text, user_alias text, version bigint, published jsonb, at timestamptz, known boolean, do_not_disturb boolean,
                  sessions json, seen json, calls json, turn bigint)
   LANGUAGE plpgsql ${pinnedPlans} AS $$
   #variable_conflict use_column
   BEGIN
     ${beforeLook}
     -- A statement of its own: it sees what others have committed while this one waited for their locks.
     RETURN QUERY ${readingInTurn};
   END $$`,
  // Replicas of the release before call it.
  `CREATE OR REPLACE FUNCTION look_at(apps text[], aliases text[])
   RETURNS TABLE (app_id text, user_alias text, version bigint, published jsonb, at timestamptz, known boolean, do_not_disturb boolean,
                  sessions json, seen json, calls json)
   LANGUAGE plpgsql ${pinnedPlans} AS $$
   #variable_conflict use_column
   BEGIN
     RETURN QUERY SELECT look.app_id, look.user_alias, look.version, look.published, look.at, look.known, look.do_not_disturb,
                         look.sessions, look.seen, look.calls FROM look_in_turn(apps, aliases) AS look;
   END $$`,
  `CREATE OR REPLACE FUNCTION tell_of_calls(
     guard text, calls json, apps text[], aliases text[], turns bigint[], buckets smallint[], presences json[], most_kept int,
     topics text[], hashes int[], keys text[], events text[])
   RETURNS TABLE (id bigint, partition int, at text)
   LANGUAGE plpgsql ${pinnedPlans} AS $$
   #variable_conflict use_column
   DECLARE
     saved int;
     now text;
   BEGIN
     -- Seen before anything is written or locked, as a rule; under the locks it is an error.
     IF NOT pg_try_advisory_xact_lock_shared(hashtext(guard)) OR EXISTS (
       SELECT FROM unnest(apps, aliases, turns) AS who(app_id, user_alias, turn)
       LEFT JOIN people ON people.app_id = who.app_id AND people.user_alias = who.user_alias
       LEFT JOIN people_to_look_at AS mark ON mark.app_id = who.app_id AND mark.user_alias = who.user_alias
       WHERE people.turn IS DISTINCT FROM who.turn OR mark.app_id IS NOT NULL
     ) THEN
       RETURN QUERY SELECT NULL::bigint, NULL::int, NULL::text;
       RETURN;
     END IF;
     ${saving}
     GET DIAGNOSTICS saved = ROW_COUNT;
     PERFORM FROM people JOIN unnest(apps, aliases) AS who(app_id, user_alias)
       ON people.app_id = who.app_id AND people.user_alias = who.user_alias
     ORDER BY people.app_id, people.user_alias FOR UPDATE OF people;
     -- A statement of its own: a condition beside the locking is looked at before the lock, and then who fits it not is not locked.
     IF saved < json_array_length(calls) OR EXISTS (
       SELECT FROM people JOIN unnest(apps, aliases, turns) AS who(app_id, user_alias, turn)
         ON people.app_id = who.app_id AND people.user_alias = who.user_alias
       WHERE people.turn <> who.turn
     ) THEN
       RAISE EXCEPTION 'others have gone on since what is remembered' USING ERRCODE = '40001';
     END IF;
     UPDATE people SET turn = people.turn + 1, version = people.version + (told.presence IS NOT NULL)::int,
                       published = coalesce(told.presence::jsonb, people.published), status = coalesce(told.presence->>'status', people.status)
     FROM unnest(apps, aliases, presences) AS told(app_id, user_alias, presence)
     WHERE people.app_id = told.app_id AND people.user_alias = told.user_alias;
     IF cardinality(keys) = 0 THEN
       RETURN;
     END IF;
     ${placing}
     now := ${iso('clock_timestamp()')};
     RETURN QUERY SELECT place.id, place.partition, now FROM put_into_outbox(topics, hashes, keys, ARRAY(
       SELECT ('{"time":"' || now || '",' || substr(event, 2))::json FROM unnest(events) WITH ORDINALITY AS told(event, place) ORDER BY place
     )) AS place;
   END $$`,
];

/** The look since people have groups; replicas of the release before call the one above. */
export const lookAtPeople = `CREATE OR REPLACE FUNCTION look_at_people(apps text[], aliases text[])
   RETURNS TABLE (app_id text, user_alias text, version bigint, published jsonb, at timestamptz, known boolean, do_not_disturb boolean,
                  sessions json, seen json, calls json, turn bigint, groups text[])
   LANGUAGE plpgsql ${pinnedPlans} AS $$
   #variable_conflict use_column
   BEGIN
     ${beforeLook}
     -- A statement of its own: it sees what others have committed while this one waited for their locks.
     RETURN QUERY ${readingInTurnWithGroups};
   END $$`;
