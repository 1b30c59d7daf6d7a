import { pinnedPlans } from '@communication-center/event-log';

/** More than anybody has: what one user may have is bounded, so that nobody's presence outgrows an event. */
const [openAtMost, callsAtMost] = [100, 100];

export const iso = (column: string) => `to_char(${column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;

/**
 * Reads all that is known of the people `$1` (apps) and `$2` (aliases), in one statement, so that all of it is of one moment, and
 * beside it what was said of them last.
 */
const reading = (more: string) => `
  SELECT p.app_id, p.user_alias, said.version, said.published, clock_timestamp() AS at, NOT k.deleted AS known, k.do_not_disturb,
         (SELECT json_agg(json_build_object('deviceId', device_id, 'platform', platform, 'away', away, 'openedAt', ${iso('opened_at')})
                          ORDER BY opened_at, session_id)
          FROM (SELECT * FROM device_sessions AS s WHERE s.app_id = p.app_id AND s.user_alias = p.user_alias AND s.closed_at IS NULL
                ORDER BY opened_at DESC, session_id LIMIT ${openAtMost}) AS latest) AS sessions,
         (SELECT json_agg(json_build_object('deviceId', device_id, 'platform', platform, 'lastSeenAt', ${iso('last_seen_at')})
                          ORDER BY last_seen_at DESC, device_id)
          FROM (SELECT * FROM seen_devices AS d WHERE d.app_id = p.app_id AND d.user_alias = p.user_alias
                ORDER BY last_seen_at DESC, device_id LIMIT 20) AS latest) AS seen,
         (SELECT json_agg(call ORDER BY call_id)
          FROM (SELECT call_id, call FROM current_calls AS c
                WHERE parties(c.app_id, c.participants) @> ARRAY[p.app_id || '/' || p.user_alias] AND NOT c.ended
                LIMIT ${callsAtMost}) AS now) AS calls${more}
  FROM unnest($1::text[], $2::text[]) AS p(app_id, user_alias)
  LEFT JOIN people AS said ON said.app_id = p.app_id AND said.user_alias = p.user_alias
  LEFT JOIN known_users AS k ON k.app_id = p.app_id AND k.user_alias = p.user_alias`;
const readingKnown = reading('');
/** The same with the person's turn; see `turn-functions.ts`. */
export const readingInTurn = reading(', said.turn');

/** The same two, with the groups of who is known: what looks since then asks for. */
export const readingWithGroups = reading(', k.groups');
export const readingInTurnWithGroups = reading(', said.turn, k.groups');

/**
 * Gives what `presences` says of people places in the orders of their `buckets`, and forgets what a bucket has too many of: each
 * bucket's row is locked until the commit.
 */
export const placing = `WITH change AS MATERIALIZED (
       SELECT *, row_number() OVER bucket AS place, count(*) OVER (PARTITION BY app_id, bucket) AS places
       FROM unnest(apps, buckets, aliases, presences) WITH ORDINALITY AS told(app_id, bucket, user_alias, presence, number)
       WHERE presence IS NOT NULL
       WINDOW bucket AS (PARTITION BY app_id, bucket ORDER BY number)
     ), moved AS (
       INSERT INTO bucket_positions (app_id, bucket, position)
       SELECT app_id, bucket, count(*) FROM change GROUP BY app_id, bucket ORDER BY app_id COLLATE "C", bucket
       ON CONFLICT (app_id, bucket) DO UPDATE SET position = bucket_positions.position + excluded.position
       RETURNING app_id, bucket, position
     ), told AS (
       INSERT INTO bucket_changes (app_id, bucket, position, user_alias, presence)
       SELECT change.app_id, change.bucket, moved.position - change.places + change.place, user_alias, presence
       FROM change JOIN moved ON moved.app_id = change.app_id AND moved.bucket = change.bucket
     )
     DELETE FROM bucket_changes AS spare USING moved
     WHERE spare.app_id = moved.app_id AND spare.bucket = moved.bucket AND spare.position <= moved.position - most_kept;`;

/** The statements of each change of presence, as functions in the schema; what they do is told where they are called. */
export const presenceFunctions = [
  `CREATE OR REPLACE FUNCTION look_at(apps text[], aliases text[])
   RETURNS TABLE (app_id text, user_alias text, version bigint, published jsonb, at timestamptz, known boolean, do_not_disturb boolean,
                  sessions json, seen json, calls json)
   LANGUAGE plpgsql ${pinnedPlans} AS $$
   #variable_conflict use_column
   BEGIN
     -- Whoever was set aside is not even locked: the look at them is made when their time has come.
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
     -- A statement of its own: it sees what others have committed while this one waited for their locks.
     RETURN QUERY ${readingKnown};
   END $$`,
  `CREATE OR REPLACE FUNCTION say_presence(apps text[], aliases text[], buckets smallint[], presences json[], erases boolean[], most_kept int)
   RETURNS void LANGUAGE plpgsql ${pinnedPlans} AS $$
   BEGIN
     UPDATE people SET version = people.version + 1, published = CASE WHEN NOT told.erased THEN told.presence::jsonb END,
                       status = CASE WHEN NOT told.erased THEN told.presence->>'status' END
     FROM unnest(apps, aliases, presences, erases) AS told(app_id, user_alias, presence, erased)
     WHERE people.app_id = told.app_id AND people.user_alias = told.user_alias;
     ${placing}
   END $$`,
];
