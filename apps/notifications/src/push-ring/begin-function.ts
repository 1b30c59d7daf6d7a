import { pinnedPlans } from '@communication-center/event-log';
import { untilAgain } from './claims.js';

/**
 * The statement by which rings are begun, as a function in the schema: called unnamed, as a pooler in transaction mode wants it, it is parsed
 * and planned once for a connection, where planning took longer than running it. What it is for is told where it is called, in
 * begin-rings.ts. Which pushes were written is looked up in a hash: joined, each row would be compared with each.
 */
export const beginFunction = `CREATE OR REPLACE FUNCTION begin_rings(rings json, replica uuid)
  RETURNS TABLE (n int, "hasSocket" boolean, "registrationId" uuid, "deviceId" text, kind text, target jsonb, "registeredAt" int, "callerName" text,
    "pushId" uuid, at timestamptz)
  LANGUAGE plpgsql ${pinnedPlans} AS $$
#variable_conflict use_column
BEGIN
  RETURN QUERY WITH wanted AS (
       SELECT ring.*, gen_random_uuid() AS push_id, clock_timestamp() AS at, r.registration_id, r.device_id, r.kind, r.target, r.registered_at,
         ring.silent IS NULL AND EXISTS (SELECT 1 FROM live_sessions AS s
           WHERE s.app_id = r.app_id AND s.user_alias = r.user_alias AND s.device_id = r.device_id AND s.closed_at IS NULL) AS has_socket
       FROM json_to_recordset(rings) AS ring(n int, "callId" uuid, sequence int, "appId" text, "userAlias" text, caller text, "callType" text,
         waiting boolean, deadline timestamptz, traceparent text, silent text[])
       JOIN push_registrations AS r ON r.app_id = ring."appId" AND r.user_alias = ring."userAlias"
       WHERE ring.deadline > clock_timestamp()
         AND (ring.silent IS NULL OR r.device_id = ANY(ring.silent))
         AND NOT (r.kind = 'apns_alert' AND EXISTS (SELECT 1 FROM push_registrations AS voip
           WHERE voip.app_id = r.app_id AND voip.user_alias = r.user_alias AND voip.device_id = r.device_id AND voip.kind = 'apns_voip'))
     ), p AS (
       INSERT INTO ring_pushes (push_id, call_id, ring_sequence, registration_id, app_id, user_alias, device_id, kind, ring, deadline,
         traceparent, claimed_by, claimed_until, created_at)
       SELECT push_id, "callId", sequence, registration_id, "appId", "userAlias", device_id, kind,
         jsonb_build_object('caller', caller, 'callType', "callType", 'waiting', waiting), deadline, traceparent, replica, ${untilAgain}, at
       FROM wanted WHERE NOT has_socket ORDER BY "callId", sequence, registration_id
       ON CONFLICT (call_id, ring_sequence, registration_id) DO NOTHING RETURNING push_id
     )
     SELECT wanted.n, wanted.has_socket, wanted.registration_id, wanted.device_id, wanted.kind, wanted.target,
       floor(extract(epoch FROM wanted.registered_at))::int, c.name, CASE WHEN wanted.push_id IN (SELECT push_id FROM p) THEN wanted.push_id END, wanted.at
     FROM wanted LEFT JOIN contacts AS c ON c.app_id = wanted."appId" AND c.user_alias = wanted.caller;
END $$`;
