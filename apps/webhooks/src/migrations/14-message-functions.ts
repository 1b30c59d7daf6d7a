import { pinnedPlans } from '@communication-center/event-log';
import { type Migration, sqlMigration } from '@communication-center/service';

/** The statements that each message and each delivery pass: called unnamed, they are planned once for a connection. */
export const messageFunctions: Migration = sqlMigration('MessageFunctions1764650000078', [
  // Places are given in the order of the list. The rows of the apps stay locked until the commit, so that no place becomes visible
  // before a lower one; a message that is there already leaves a gap.
  `CREATE FUNCTION give_places(list json) RETURNS TABLE (message_id uuid, place float8, before float8)
   LANGUAGE plpgsql ${pinnedPlans} AS $$
   #variable_conflict use_column
   DECLARE
     apps text[];
     befores bigint[];
   BEGIN
     WITH counts AS (
       SELECT "appId" AS app_id, count(*) AS count FROM json_to_recordset(list) AS one("appId" text) GROUP BY 1 ORDER BY 1),
     moved AS (
       INSERT INTO app_positions AS mine (app_id, last) SELECT app_id, count FROM counts ORDER BY app_id
       ON CONFLICT (app_id) DO UPDATE SET last = mine.last + excluded.last
       RETURNING mine.app_id, mine.last)
     SELECT array_agg(moved.app_id), array_agg(moved.last - counts.count) INTO apps, befores FROM moved, counts WHERE counts.app_id = moved.app_id;
     RETURN QUERY
     WITH known AS (SELECT * FROM unnest(apps, befores) AS one(app_id, before)),
     written AS (
       INSERT INTO messages AS mine (message_id, occurred_at, app_id, position, type, subject, sequence, source, dataversion, data, traceparent)
       SELECT one."messageId", one."occurredAt", one."appId", known.before + row_number() OVER (PARTITION BY one."appId" ORDER BY one.turn),
              one.type, one.subject, one.sequence, one.source, one.dataversion, one.data, one.traceparent
       FROM ROWS FROM (json_to_recordset(list) AS ("messageId" uuid, "occurredAt" timestamptz, "appId" text, type text, subject text,
              sequence bigint, source text, dataversion int, data json, traceparent text))
         WITH ORDINALITY AS one("messageId", "occurredAt", "appId", type, subject, sequence, source, dataversion, data, traceparent, turn)
       JOIN known ON known.app_id = one."appId"
       ON CONFLICT DO NOTHING RETURNING mine.message_id, mine.app_id, mine.position)
     SELECT written.message_id, written.position::float8, known.before::float8 FROM written JOIN known ON known.app_id = written.app_id;
   END $$`,
  `CREATE FUNCTION put_into_inbox(list json) RETURNS void LANGUAGE sql AS $$
     INSERT INTO inbox (message_id, app_id, lane, message)
     SELECT (one->>'messageId')::uuid, one->>'appId', (one->>'lane')::smallint, one FROM json_array_elements(list) AS one
     ON CONFLICT DO NOTHING
   $$`,
  // What waits in the inbox for these lanes goes first. Where that is too much for one statement, what is told waits behind it.
  `CREATE FUNCTION place_messages(lanes int[], told json) RETURNS TABLE (message_id uuid, place float8, before float8, message json)
   LANGUAGE plpgsql ${pinnedPlans} AS $$
   #variable_conflict use_column
   DECLARE
     most CONSTANT int := 1000;
     taken json;
   BEGIN
     IF EXISTS (SELECT FROM inbox WHERE lane = ANY (lanes)) THEN
       WITH gone AS (
         DELETE FROM inbox WHERE arrival = ANY (ARRAY(SELECT arrival FROM inbox WHERE lane = ANY (lanes) ORDER BY arrival LIMIT most FOR UPDATE))
         RETURNING arrival, message)
       SELECT json_agg(gone.message ORDER BY gone.arrival) INTO taken FROM gone;
       IF taken IS NOT NULL THEN
         RETURN QUERY
         SELECT placed.message_id, placed.place, placed.before, one.value
         FROM give_places(taken) AS placed JOIN json_array_elements(taken) AS one ON (one.value->>'messageId')::uuid = placed.message_id;
         IF json_array_length(taken) = most AND told IS NOT NULL THEN
           PERFORM put_into_inbox(told);
           RETURN;
         END IF;
       END IF;
     END IF;
     IF told IS NOT NULL THEN
       RETURN QUERY SELECT placed.message_id, placed.place, placed.before, NULL::json FROM give_places(told) AS placed;
     END IF;
   END $$`,
  `CREATE FUNCTION read_messages(app text, after float8, most int)
   RETURNS TABLE ("messageId" uuid, "occurredAt" timestamptz, "appId" text, "position" float8, type text, subject text, sequence float8,
                  source text, dataversion int, data json, traceparent text)
   LANGUAGE plpgsql ${pinnedPlans} AS $$
   BEGIN
     RETURN QUERY
     SELECT one.message_id, one.occurred_at, one.app_id, one.position::float8, one.type, one.subject, one.sequence::float8,
            one.source, one.dataversion, one.data, one.traceparent
     FROM messages AS one WHERE one.app_id = app AND one.position > after::bigint ORDER BY one.position LIMIT most;
   END $$`,
  // What became of deliveries, of many endpoints in one commit. Each list is null where there is nothing of its kind.
  `CREATE FUNCTION record_deliveries(attempts json, kept json, delivered json, freed json, disabled json, told json)
   RETURNS void LANGUAGE plpgsql ${pinnedPlans} AS $$
   BEGIN
     INSERT INTO delivery_attempts (endpoint_id, at, message_id, app_id, position, type, attempt, status, error, duration_ms)
     SELECT * FROM json_to_recordset(attempts) AS one("endpointId" uuid, at timestamptz, "messageId" uuid, "appId" text, position bigint,
       type text, attempt int, status int, error text, "durationMs" int)
     ON CONFLICT DO NOTHING;
     IF kept IS NOT NULL THEN
       INSERT INTO undelivered AS mine (endpoint_id, message_id, app_id, lane, position, subject, message, state, made, next_attempt_at)
       SELECT one."endpointId", one."messageId", one."appId", one.lane, one.position, one.subject, one.message, one.state, one.made,
              CASE WHEN one.state = 'waiting' THEN clock_timestamp() + make_interval(secs => one."delayMs" / 1000) END
       FROM json_to_recordset(kept) AS one("endpointId" uuid, "messageId" uuid, "appId" text, lane smallint, position bigint, subject text,
         message json, state text, made int, "delayMs" float8)
       ON CONFLICT (endpoint_id, message_id) DO UPDATE
         SET state = excluded.state, made = excluded.made, next_attempt_at = excluded.next_attempt_at;
     END IF;
     IF delivered IS NOT NULL THEN
       DELETE FROM undelivered USING json_to_recordset(delivered) AS one("endpointId" uuid, "messageId" uuid)
       WHERE undelivered.endpoint_id = one."endpointId" AND undelivered.message_id = one."messageId";
     END IF;
     -- The next of a subject that was held: by now it is there.
     IF freed IS NOT NULL THEN
       UPDATE undelivered SET state = 'waiting', next_attempt_at = clock_timestamp()
       FROM json_to_recordset(freed) AS one("endpointId" uuid, subject text), LATERAL (
         SELECT held.message_id FROM undelivered AS held
         WHERE held.endpoint_id = one."endpointId" AND held.subject = one.subject AND held.state = 'held' ORDER BY held.position LIMIT 1
       ) AS first
       WHERE undelivered.endpoint_id = one."endpointId" AND undelivered.message_id = first.message_id;
     END IF;
     -- Its notice is written with it, or neither.
     IF disabled IS NOT NULL THEN
       WITH ended AS (
         UPDATE endpoints SET disabled_at = clock_timestamp(), disabled_reason = one.reason
         FROM json_to_recordset(disabled) AS one("endpointId" uuid, reason text, notice json)
         WHERE endpoints.endpoint_id = one."endpointId" AND endpoints.disabled_at IS NULL RETURNING one.notice)
       SELECT json_agg(ended.notice) INTO disabled FROM ended;
       IF disabled IS NOT NULL THEN PERFORM put_into_inbox(disabled); END IF;
     END IF;
     IF told IS NOT NULL THEN PERFORM put_into_inbox(told); END IF;
   END $$`,
  // Deliveries that were written by the release before, and wait, go on here under the id that they were sent with.
  `CREATE FUNCTION adopt_deliveries(lanes int[], most int) RETURNS TABLE (app_id text) LANGUAGE plpgsql AS $$
   #variable_conflict use_column
   BEGIN
     RETURN QUERY
     WITH due AS (
       SELECT delivery_id FROM deliveries JOIN positions USING (endpoint_id)
       WHERE deliveries.state = 'pending' AND deliveries.next_attempt_at <= now() AND positions.lane = ANY (lanes)
       LIMIT most FOR UPDATE OF deliveries SKIP LOCKED),
     moved AS (UPDATE deliveries SET state = 'moved', next_attempt_at = NULL FROM due WHERE deliveries.delivery_id = due.delivery_id
       RETURNING deliveries.*),
     told AS (
       INSERT INTO delivery_attempts (endpoint_id, at, message_id, app_id, type, attempt, status, error, duration_ms)
       SELECT moved.endpoint_id, attempts.at, moved.delivery_id, moved.app_id, moved.event_type, attempts.attempt, attempts.status,
              attempts.error, attempts.duration_ms
       FROM moved JOIN attempts ON attempts.delivery_id = moved.delivery_id ON CONFLICT DO NOTHING)
     INSERT INTO undelivered (endpoint_id, message_id, app_id, lane, subject, message, state, made, next_attempt_at)
     SELECT moved.endpoint_id, moved.delivery_id, moved.app_id, positions.lane, moved.key,
            json_build_object('messageId', moved.delivery_id, 'appId', moved.app_id, 'position', NULL, 'type', moved.event_type,
              'subject', moved.key, 'sequence', moved.body::json->'data'->'sequence', 'source', '/webhooks', 'dataversion', 1,
              'occurredAt', moved.body::json->'timestamp', 'data', moved.body::json->'data', 'traceparent', moved.traceparent),
            'waiting', moved.attempts, now()
     FROM moved JOIN positions ON positions.endpoint_id = moved.endpoint_id
     ON CONFLICT DO NOTHING RETURNING undelivered.app_id;
   END $$`,
]);
