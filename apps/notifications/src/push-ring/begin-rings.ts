import type { DeviceId } from '@communication-center/contracts';
import type { Ring } from '../domain/rings.js';
import type { RingLog } from './ring-log.js';
import type { RingPush } from './ring-rows.js';

/** A registration that is to be pushed to, unless its device has a socket open; with a push where this replica has it. */
type Wanted = Pick<RingPush, 'registrationId' | 'deviceId' | 'kind' | 'target' | 'registeredAt' | 'callerName'> & {
  /** Which of the rings it is of. */
  n: number;
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
  const claimedAt = performance.now();
  const said = JSON.stringify(rings.map(({ began: _, ...ring }, n) => ({ ...ring, n })));
  const [found, mine]: [Wanted[], Map<string, RingPush>] = [[], new Map()];
  await log.run(
    rings.map(({ appId }) => appId),
    async (sql) => {
      found.push(...(await sql.query<Wanted>('SELECT * FROM begin_rings($1, $2)', [said, me])).rows);
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
    ({ n }) => n,
  );
  return {
    mine: [...mine.values()],
    calls: new Set(found.flatMap(({ n, hasSocket }) => (hasSocket ? [] : (rings[n]?.callId ?? [])))),
    withSocket: [...withSocket].flatMap(([n, rows]) =>
      rings[n] ? [{ ring: rings[n], devices: rows.map(({ deviceId }) => deviceId) }] : [],
    ),
  };
}

/** @returns the push that was written for a registration; undefined where it is another replica's, or was not written. */
function pushOf(
  { n, pushId, registrationId, deviceId, kind, target, registeredAt, callerName }: Wanted,
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
