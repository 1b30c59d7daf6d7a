import type { DeviceId } from '@communication-center/contracts';
import type { Ring } from '../domain/rings.js';
import { untilAgain } from './claims.js';
import type { RingLog } from './ring-log.js';
import type { RingPush } from './ring-rows.js';

/** A registration that is to be pushed to, unless its device has a socket open; with a push where this replica has it. */
type Wanted = Pick<RingPush, 'registrationId' | 'deviceId' | 'kind' | 'target' | 'registeredAt' | 'callerName'> & {
  /** Which of the rings it is of. */
  ring: number;
  hasSocket: boolean;
  pushId: string | null;
  at: Date;
};

/** What came of rings that were begun. */
export interface Begun {
  mine: RingPush[];
  calls: Set<string>;
  withSocket: { ring: Ring; devices: DeviceId[] }[];
}

/**
 * Writes and claims a push for every device of those who are rung that has no socket open, or that is named, unless another replica has.
 * What is known of a ring does not come back from the database: at thousands a second reading rows is most of what they cost here.
 * @param me names this replica.
 * @returns those that are this replica's, the calls of which there are any, whoever's they are, and the devices with a socket.
 */
export async function beginRings(log: RingLog, me: string, rings: readonly Ring[]): Promise<Begun> {
  // Which were written is looked up in a hash: joined, each row would be compared with each.
  const begin = `WITH wanted AS (
       SELECT ring.*, gen_random_uuid() AS push_id, clock_timestamp() AS at, r.registration_id, r.device_id, r.kind, r.target, r.registered_at,
         ring.silent IS NULL AND EXISTS (SELECT 1 FROM live_sessions AS s
           WHERE s.app_id = r.app_id AND s.user_alias = r.user_alias AND s.device_id = r.device_id AND s.closed_at IS NULL) AS has_socket
       FROM json_to_recordset($1) AS ring(n int, "callId" uuid, sequence int, "appId" text, "userAlias" text, caller text, "callType" text,
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
         jsonb_build_object('caller', caller, 'callType', "callType", 'waiting', waiting), deadline, traceparent, $2::uuid, ${untilAgain}, at
       FROM wanted WHERE NOT has_socket ORDER BY "callId", sequence, registration_id
       ON CONFLICT (call_id, ring_sequence, registration_id) DO NOTHING RETURNING push_id
     )
     SELECT wanted.n AS ring, wanted.has_socket AS "hasSocket", wanted.registration_id AS "registrationId", wanted.device_id AS "deviceId",
       wanted.kind, wanted.target, floor(extract(epoch FROM wanted.registered_at))::int AS "registeredAt", c.name AS "callerName",
       CASE WHEN push_id IN (SELECT push_id FROM p) THEN push_id END AS "pushId", wanted.at
     FROM wanted
     LEFT JOIN contacts AS c ON c.app_id = wanted."appId" AND c.user_alias = wanted.caller`;
  const claimedAt = performance.now();
  const said = JSON.stringify(rings.map(({ began: _, ...ring }, n) => ({ ...ring, n })));
  const [found, mine]: [Wanted[], Map<string, RingPush>] = [[], new Map()];
  await log.run(
    rings.map(({ appId }) => appId),
    async (sql) => {
      found.push(...(await sql.query<Wanted>(begin, [said, me])).rows);
      return found.flatMap((row) => {
        const push = pushOf(row, rings, claimedAt);
        // A ring that came twice at once is one.
        if (!push || mine.has(push.pushId)) return [];
        mine.set(push.pushId, push);
        return [{ ...push, attempts: 0, sentAt: null, place: 1, at: row.at }];
      });
    },
    () => 'notification.queued',
  );
  const withSocket = Map.groupBy(
    found.filter(({ hasSocket }) => hasSocket),
    ({ ring }) => ring,
  );
  return {
    mine: [...mine.values()],
    calls: new Set(found.flatMap(({ ring, hasSocket }) => (hasSocket ? [] : (rings[ring]?.callId ?? [])))),
    withSocket: [...withSocket].flatMap(([n, rows]) =>
      rings[n] ? [{ ring: rings[n], devices: rows.map(({ deviceId }) => deviceId) }] : [],
    ),
  };
}

/** @returns the push that was written for a registration; undefined where it is another replica's, or was not written. */
function pushOf(
  { ring: n, pushId, registrationId, deviceId, kind, target, registeredAt, callerName }: Wanted,
  rings: readonly Ring[],
  claimedAt: number,
): RingPush | undefined {
  const ring = rings[n];
  if (!ring || pushId === null) return undefined;
  const { callId, sequence: ringSequence, appId, userAlias, caller, callType, waiting, traceparent } = ring;
  return {
    ...{ pushId, callId, ringSequence, registrationId, appId, userAlias, deviceId, kind, caller, callType, waiting, callerName },
    ...{ deadline: new Date(ring.deadline), registeredAt, traceparent, target, claimedAt },
    ...{ state: 'queued', wasTaken: false, ringEnded: null },
  };
}
