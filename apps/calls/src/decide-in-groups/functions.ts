import { simultaneousCallsByDefault } from '@communication-center/contracts';
import { pinnedPlans } from '@communication-center/event-log';

/*
 * The two statements of a group of commands, as functions in the schema: called unnamed, as a pooler in transaction mode wants
 * it, they are parsed and planned once for a connection to PostgreSQL. What they are for is told where they are called, in
 * hold.ts and save.ts.
 *
 * Each statement in them sees what was committed before it began (VOLATILE, under READ COMMITTED): what follows a lock sees what
 * the last holder left.
 */

const lockedLines = (how: '' | 'SKIP LOCKED') => `
  SELECT array_agg(line.app_id), array_agg(line.user_alias), array_agg(line.active_call_id) INTO line_apps, line_aliases, line_calls FROM (
    SELECT lines.app_id, lines.user_alias, lines.active_call_id FROM (
      SELECT app_id, user_alias FROM unnest(user_apps, user_aliases) AS named(app_id, user_alias)
      UNION SELECT calls.app_id, participant FROM calls, unnest(calls.participants) AS participant WHERE calls.call_id = ANY (wanted)
    ) AS asked JOIN lines USING (app_id, user_alias)
    ORDER BY lines.app_id COLLATE "C", lines.user_alias COLLATE "C" FOR UPDATE OF lines ${how}
  ) AS line`;

const lockedCalls = (how: '' | 'SKIP LOCKED') => `
  SELECT json_agg(call) INTO held_calls FROM (
    SELECT call_id, app_id, version, fold, state FROM calls WHERE call_id = ANY (wanted) ORDER BY call_id FOR UPDATE ${how}
  ) AS call`;

/** Names our advisory locks among those of a database. */
const roomLocks = 1_414_743_380;
/** As many calls as sixteen transactions can make: while there is room for so many more, they need not know of each other. */
const farFromFull = 16 * 64;

/*
 * For how many calls more there is room in each app that rings somebody. Counted are those that are committed, so whoever makes calls holds
 * a lock of the app's, after its lines and calls: a shared one while there is far more room than all together can take, and near the limit one
 * for itself, so that it knows of everybody's. What came near it meanwhile, or is somebody else's, is left out. Who does not wait for the lock has it
 * at once after counting: no more than sixteen transactions ended between, and where those make no difference they are not counted.
 */
const roomsOfApps = `
    FOR room_app IN SELECT DISTINCT asked COLLATE "C" FROM unnest(user_apps) AS asked ORDER BY 1 LOOP
      SELECT coalesce((SELECT (options -> 'limits' ->> 'simultaneousCalls')::int FROM app_options WHERE app_id = room_app), ${simultaneousCallsByDefault}),
        coalesce((SELECT sum(live) FROM live_calls WHERE app_id = room_app), 0) INTO most, counted;
      is_far := counted + ${farFromFull} <= most;
      room_lock := hashtext(current_schema() || ' ' || room_app);
      is_ours := true;
      IF skipping AND is_far THEN is_ours := pg_try_advisory_xact_lock_shared(${roomLocks}, room_lock);
      ELSIF skipping THEN is_ours := pg_try_advisory_xact_lock(${roomLocks}, room_lock);
      ELSIF is_far THEN PERFORM pg_advisory_xact_lock_shared(${roomLocks}, room_lock);
      ELSE PERFORM pg_advisory_xact_lock(${roomLocks}, room_lock);
      END IF;
      IF NOT skipping OR counted + ${2 * farFromFull} > most THEN
        counted := coalesce((SELECT sum(live) FROM live_calls WHERE app_id = room_app), 0);
      END IF;
      room := most - counted;
      IF is_ours AND (NOT is_far OR room >= ${farFromFull}) THEN rooms := coalesce(rooms, '{}') || jsonb_build_object(room_app, room); END IF;
    END LOOP;`;

/** Calls that began less those that ended, in the one of sixteen rows of their app that is this connection's: few have the same. */
const countLiveCalls = `
  IF new_events::text LIKE '%"call.dialed"%' OR new_events::text LIKE '%"call.ended"%' THEN
    INSERT INTO live_calls (app_id, stripe, live)
    SELECT app_id, pg_backend_pid() & 15, sum(CASE type WHEN 'call.dialed' THEN 1 ELSE -1 END) FROM json_to_recordset(new_events) AS e(app_id text, type text)
    WHERE type IN ('call.dialed', 'call.ended') GROUP BY app_id HAVING sum(CASE type WHEN 'call.dialed' THEN 1 ELSE -1 END) <> 0 ORDER BY app_id COLLATE "C"
    ON CONFLICT (app_id, stripe) DO UPDATE SET live = live_calls.live + excluded.live;
  END IF;`;

const holdForDecisions = `CREATE OR REPLACE FUNCTION hold_for_decisions(
  user_apps text[], user_aliases text[], call_apps text[], call_ids uuid[], dialing_apps text[], dialing_aliases text[], leaving_apps text[], leaving_aliases text[],
  key_apps text[], key_actors text[], key_ids text[], skipping boolean
) RETURNS json LANGUAGE plpgsql ${pinnedPlans} AS $$
#variable_conflict use_column
DECLARE
  wanted uuid[]; line_apps text[]; line_aliases text[]; line_calls uuid[];
  known_calls json; held_lines json; held_calls json; replies json; unknown_users json; unlined_users json;
  room_app text; most int; counted bigint; is_far boolean; is_ours boolean; room_lock int; room bigint; rooms jsonb;
BEGIN
  IF cardinality(call_ids) > 0 THEN
    SELECT array_agg(call_id), json_object_agg(call_id, app_id) INTO wanted, known_calls
    FROM unnest(call_apps, call_ids) AS named(app_id, call_id) JOIN calls USING (app_id, call_id);
  END IF;
  IF cardinality(leaving_apps) > 0 THEN
    wanted := wanted || ARRAY(
      SELECT active_call_id FROM unnest(leaving_apps, leaving_aliases) AS leaving(app_id, user_alias) JOIN lines USING (app_id, user_alias)
      WHERE active_call_id IS NOT NULL);
  END IF;
  IF skipping THEN ${lockedLines('SKIP LOCKED')};
  ELSE ${lockedLines('')};
  END IF;
  SELECT json_agg(json_build_object(
    'appId', held.app_id, 'userAlias', held.user_alias, 'activeCall', held.active_call_id,
    'rungBy', ARRAY(SELECT call_id FROM rings WHERE rings.app_id = held.app_id AND rings.user_alias = held.user_alias),
    'doNotDisturb', coalesce((SELECT do_not_disturb FROM user_settings AS s
                              WHERE s.app_id = held.app_id AND s.user_alias = held.user_alias), false)
  )) INTO held_lines FROM unnest(line_apps, line_aliases, line_calls) AS held(app_id, user_alias, active_call_id);
  IF cardinality(dialing_apps) > 0 THEN
    wanted := wanted || ARRAY(
      SELECT rings.call_id FROM unnest(dialing_apps, dialing_aliases) AS dialing(app_id, user_alias)
      JOIN unnest(line_apps, line_aliases) AS held(app_id, user_alias) USING (app_id, user_alias) JOIN rings USING (app_id, user_alias));
  END IF;
  IF cardinality(wanted) > 0 THEN
    IF skipping THEN ${lockedCalls('SKIP LOCKED')};
    ELSE ${lockedCalls('')};
    END IF;
  END IF;
  IF cardinality(key_apps) > 0 THEN
    SELECT json_agg(first) INTO replies FROM (
      SELECT app_id, actor, command_id, fingerprint, reply FROM unnest(key_apps, key_actors, key_ids) AS asked(app_id, actor, command_id)
      JOIN commands USING (app_id, actor, command_id)
    ) AS first;
  END IF;
  IF cardinality(user_apps) > 0 THEN${roomsOfApps}
    SELECT json_agg(named) INTO unknown_users FROM (
      SELECT app_id AS "appId", user_alias AS "userAlias" FROM unnest(user_apps, user_aliases) AS named(app_id, user_alias)
      WHERE NOT EXISTS (SELECT FROM user_settings AS s WHERE s.app_id = named.app_id AND s.user_alias = named.user_alias AND NOT s.deleted)
    ) AS named;
    SELECT json_agg(named) INTO unlined_users FROM (
      SELECT app_id AS "appId", user_alias AS "userAlias" FROM unnest(user_apps, user_aliases) AS named(app_id, user_alias)
      WHERE NOT EXISTS (SELECT FROM lines WHERE lines.app_id = named.app_id AND lines.user_alias = named.user_alias)
    ) AS named;
  END IF;
  RETURN json_build_object(
    'known', known_calls, 'lines', held_lines, 'calls', held_calls, 'replies', replies, 'unknown', unknown_users, 'unlined', unlined_users, 'rooms', rooms,
    'now', floor(extract(epoch FROM clock_timestamp()) * 1000));
END $$`;

const saveDecisions = `CREATE OR REPLACE FUNCTION save_decisions(
  new_events json, changed_calls json, fold_version int, new_replies json,
  moved_apps text[], moved_aliases text[], moved_calls uuid[], moved_devices text[], grace_until timestamptz,
  stopped_apps text[], stopped_aliases text[], stopped_calls uuid[], started_apps text[], started_aliases text[], started_calls uuid[],
  cleared_calls uuid[], cleared_kinds text[], cleared_aliases text[],
  due_calls uuid[], due_apps text[], due_kinds text[], due_aliases text[], due_times timestamptz[],
  topics text[], hashes int[], keys text[], told_events json[]
) RETURNS TABLE (id bigint, partition int) LANGUAGE plpgsql ${pinnedPlans} AS $$
#variable_conflict use_column
DECLARE
  live_apps text[]; live_aliases text[]; live_devices text[];
BEGIN
  -- Live sessions of devices that come into a call are locked: one that is closing at this moment is waited for, and one that closes
  -- later finds the device in the call. So the two cannot miss each other. Their projection takes sessions and deadlines in this order.
  IF cardinality(moved_apps) > 0 THEN
    SELECT array_agg(app_id), array_agg(user_alias), array_agg(device_id) INTO live_apps, live_aliases, live_devices FROM (
      SELECT live.app_id, live.user_alias, live.device_id
      FROM unnest(moved_apps, moved_aliases, moved_devices) AS moved(app_id, user_alias, device_id)
      JOIN device_sessions AS live USING (app_id, user_alias, device_id) WHERE live.closed_at IS NULL
      ORDER BY live.session_id FOR SHARE OF live
    ) AS live;
    UPDATE lines SET active_call_id = moved.call_id, active_device_id = moved.device_id
    FROM unnest(moved_apps, moved_aliases, moved_calls, moved_devices) AS moved(app_id, user_alias, call_id, device_id)
    WHERE lines.app_id = moved.app_id AND lines.user_alias = moved.user_alias;
  END IF;
  INSERT INTO events (call_id, version, event_id, app_id, type, occurred_at, dataversion, traceparent, data)
  SELECT * FROM json_to_recordset(new_events) AS e(call_id uuid, version int, event_id uuid, app_id text, type text,
    occurred_at timestamptz, dataversion smallint, traceparent text, data json);
  INSERT INTO calls (call_id, app_id, version, status, participants, ended_at, fold, state)
  SELECT call_id, app_id, version, status, participants, ended_at, fold_version, state FROM json_to_recordset(changed_calls)
    AS c(call_id uuid, app_id text, version int, status text, participants text[], ended_at timestamptz, state jsonb)
  ON CONFLICT (call_id) DO UPDATE SET version = excluded.version, status = excluded.status, participants = excluded.participants,
    ended_at = excluded.ended_at, fold = excluded.fold, state = excluded.state;
  INSERT INTO recent_calls (app_id, user_alias, call_id, ended_at)
  SELECT DISTINCT app_id, alias, call_id, ended_at FROM json_to_recordset(changed_calls)
    AS c(call_id uuid, app_id text, participants text[], ended_at timestamptz), unnest(participants) AS alias WHERE ended_at IS NOT NULL
  ON CONFLICT (app_id, user_alias, call_id) DO UPDATE SET ended_at = excluded.ended_at;
  INSERT INTO commands (app_id, actor, command_id, fingerprint, reply)
  SELECT * FROM json_to_recordset(new_replies) AS m(app_id text, actor text, command_id text, fingerprint text, reply json);
  IF cardinality(stopped_apps) > 0 THEN
    DELETE FROM rings USING unnest(stopped_apps, stopped_aliases, stopped_calls) AS gone(app_id, user_alias, call_id)
    WHERE rings.app_id = gone.app_id AND rings.user_alias = gone.user_alias AND rings.call_id = gone.call_id;
  END IF;
  IF cardinality(started_apps) > 0 THEN
    INSERT INTO rings (app_id, user_alias, call_id) SELECT * FROM unnest(started_apps, started_aliases, started_calls);
  END IF;
  IF cardinality(cleared_calls) > 0 THEN
    DELETE FROM deadlines USING unnest(cleared_calls, cleared_kinds, cleared_aliases) AS gone(call_id, kind, user_alias)
    WHERE deadlines.call_id = gone.call_id AND deadlines.kind = gone.kind AND deadlines.user_alias = gone.user_alias;
  END IF;
  -- A device that comes into a call without a live socket has so long to get one.
  INSERT INTO deadlines (call_id, app_id, kind, user_alias, due_at)
  SELECT * FROM unnest(due_calls, due_apps, due_kinds, due_aliases, due_times)
  UNION ALL
  SELECT moved.call_id, moved.app_id, 'connection', moved.user_alias, grace_until
  FROM unnest(moved_apps, moved_aliases, moved_calls, moved_devices) AS moved(app_id, user_alias, call_id, device_id)
  WHERE moved.call_id IS NOT NULL AND moved.device_id IS NOT NULL AND NOT EXISTS (
    SELECT FROM unnest(live_apps, live_aliases, live_devices) AS live(app_id, user_alias, device_id)
    WHERE live.app_id = moved.app_id AND live.user_alias = moved.user_alias AND live.device_id = moved.device_id)
  ON CONFLICT (call_id, kind, user_alias) DO UPDATE SET due_at = excluded.due_at, extended = false;
  -- The last row that is locked, and for the shortest time.${countLiveCalls}
  RETURN QUERY SELECT put.id, put.partition FROM put_into_outbox(topics, hashes, keys, told_events) AS put;
END $$`;

/** What they count in. */
const liveCallsTable = `CREATE TABLE IF NOT EXISTS live_calls (
  app_id text NOT NULL,
  stripe smallint NOT NULL,
  live bigint NOT NULL,
  PRIMARY KEY (app_id, stripe)
) WITH (fillfactor = 50)`;

/** Run by migrations. */
export const decisionFunctions = [liveCallsTable, holdForDecisions, saveDecisions];
