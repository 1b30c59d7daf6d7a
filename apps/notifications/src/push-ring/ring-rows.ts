import type {
  AppId,
  CallId,
  CallType,
  DeviceId,
  EndReason,
  PushKind,
  PushState,
  PushTarget,
  UserAlias,
} from '@communication-center/contracts';
import type { Database } from '@communication-center/event-log';
import { endReasonOn, type Ring, type RingEnd } from '../domain/rings.js';
import { type Begun, beginRings } from './begin-rings.js';
import { isFree, lives, untilAgain } from './claims.js';
import type { Confirmed } from './confirmed-lately.js';
import { RingLog, type RingTelling, type TellablePush, tellable } from './ring-log.js';

/** A push that this replica has claimed. */
export interface RingPush {
  pushId: string;
  callId: CallId;
  ringSequence: number;
  registrationId: string;
  appId: AppId;
  userAlias: UserAlias;
  deviceId: DeviceId;
  kind: PushKind;
  caller: UserAlias;
  callType: CallType;
  waiting: boolean;
  callerName: string | null;
  deadline: Date;
  /** When the device last registered, in seconds; null for one that is registered no more. */
  registeredAt: number | null;
  traceparent: string | null;
  state: PushState;
  /** Whether another replica was at it before, which may have pushed. */
  wasTaken: boolean;
  /** Where the ring is over: why, as this device is to be told it, or null where it knows by itself. */
  ringEnded: { reason: EndReason | null } | null;
  /** Null for a device that is registered no more. */
  target: PushTarget | null;
  /** By `performance.now()`, before it was claimed: for {@link claimSeconds} from then on nobody else takes it. */
  claimedAt: number;
}

/** What became of the ring on one device. */
export interface Finished {
  pushId: string;
  appId: AppId;
  state: Exclude<PushState, 'queued'>;
  reason: string | null;
  attempts: number;
  /** When it was first handed over. */
  sentAt: Date | null;
  /** Whether the device may be ringing because of it. */
  mayRing: boolean;
  /** Whether it is to be told should the ring be over already. */
  isTold: boolean;
}

/** A push, of which there may be something to tell, and something to do. */
type Moved = Omit<RingPush, 'claimedAt'> & TellablePush & { isMine: boolean; isOver: boolean };
interface Ended {
  state: Finished['state'];
  reason: EndReason | null;
}

export interface TakeOverOptions {
  /** What this replica is at still, though it was late to say so. */
  inHand?: readonly string[];
  /** Apps and providers for which there is no room here: theirs are left, and are in nobody's way. */
  full?: readonly string[];
  /** Apps of which it is told what is too late. */
  telling?: readonly AppId[];
}

const names = `p.push_id AS "pushId", p.app_id AS "appId", p.call_id AS "callId", p.user_alias AS "userAlias", p.device_id AS "deviceId"`;
const columns = `${names}, p.ring_sequence AS "ringSequence", p.registration_id AS "registrationId", p.kind, p.ring->>'caller' AS caller,
  p.ring->>'callType' AS "callType", (p.ring->>'waiting')::boolean AS waiting, p.deadline, p.traceparent, p.state, p.claims_left < 1 AS "wasTaken",
  CASE WHEN p.ring_ended_at IS NOT NULL THEN json_build_object('reason', p.ring_end_reason) END AS "ringEnded"`;
/** Beside them, of other tables as they are now. */
const joined = `r.target, floor(extract(epoch FROM r.registered_at))::int AS "registeredAt", c.name AS "callerName"`;
const joins = `LEFT JOIN push_registrations AS r ON r.registration_id = p.registration_id
  LEFT JOIN contacts AS c ON c.app_id = p.app_id AND c.user_alias = p.ring->>'caller'`;
/** Devices that can be told of the end of a ring. */
const isToldKind = "p.kind IN ('fcm', 'web_push')";
/** Pushes as rows: written and claimed in one statement, and claimed again and again by whoever is at them. */
export class RingRows {
  readonly #log: RingLog;

  /** @param me names this replica, for as long as it runs. */
  constructor(
    private readonly sql: Database,
    private readonly me: string,
    private readonly telling: RingTelling,
  ) {
    this.#log = new RingLog(sql, telling);
  }

  /**
   * Writes and claims a push for every device of those who are rung that has no socket open, or that is named, unless another replica has.
   * @returns those that are this replica's, the calls of which there are any, whoever's they are, and the devices with a socket.
   */
  async begin(rings: readonly Ring[]): Promise<Begun> {
    return beginRings(this.#log, this.me, rings);
  }

  /** @returns rings that may go on, of which there are pushes. */
  async open(): Promise<{ callId: CallId; userAlias: UserAlias; sequence: number; deadline: Date }[]> {
    const { rows } = await this.sql.query<{ callId: CallId; userAlias: UserAlias; sequence: number; deadline: Date }>(
      `SELECT DISTINCT call_id AS "callId", user_alias AS "userAlias", ring_sequence AS sequence, deadline FROM ring_pushes
       WHERE created_at > clock_timestamp() - interval '5 minutes' AND ring_ended_at IS NULL AND deadline > clock_timestamp() - interval '10 seconds'`,
    );
    return rows;
  }

  /** Notes the end of rings. @returns the pushes whose devices this replica is to tell; who is at a push now tells its device. */
  async end(ends: readonly RingEnd[]): Promise<RingPush[]> {
    const end = `WITH p AS (
         UPDATE ring_pushes AS p
         SET sequence = p.sequence + 1, ring_ended_at = clock_timestamp(), ring_end_reason = CASE WHEN p.device_id = ended."byDevice" THEN ended.own ELSE ended.reason END,
           state = CASE WHEN p.state = 'queued' AND ${isFree} THEN 'cancelled' ELSE p.state END,
           ended_at = CASE WHEN p.state = 'queued' AND ${isFree} THEN clock_timestamp() ELSE p.ended_at END,
           may_ring = p.may_ring OR p.state = 'queued',
           stop = CASE WHEN ${isFree} AND (p.may_ring OR p.state = 'queued') AND ended.tells THEN 'queued' ELSE p.stop END,
           claimed_by = CASE WHEN ${isFree} THEN $2 ELSE p.claimed_by END,
           claimed_until = CASE WHEN NOT ${isFree} THEN p.claimed_until
             WHEN (p.may_ring OR p.state = 'queued') AND ended.tells THEN ${untilAgain} END
         FROM (SELECT DISTINCT ON (d.push_id) e.*, d.push_id AS of_push, d.state AS before, ${isToldKind.replaceAll('p.', 'd.')}
                 AND (CASE WHEN d.device_id = e."byDevice" THEN e.own ELSE e.reason END) IS NOT NULL AS tells
               FROM json_to_recordset($1) AS e("callId" uuid, sequence int, "userAlias" text, "byDevice" text, reason text, own text)
               JOIN ring_pushes AS d ON d.call_id = e."callId" AND d.user_alias = e."userAlias" AND d.ring_sequence < e.sequence
               ORDER BY d.push_id, e.sequence) AS ended
         WHERE p.push_id = ended.of_push AND p.ring_ended_at IS NULL
         RETURNING p.*, ended.before
       ), seen AS (
         SELECT p.*, p.stop = 'queued' AND p.claimed_by = $2 AND p.claimed_until IS NOT NULL AS ismine, p.state <> p.before AS isover FROM p
       )
       SELECT p.ismine AS "isMine", p.isover AS "isOver", ${columns}, ${tellable}, ${joined} FROM seen AS p ${joins} WHERE p.ismine OR p.isover`;
    const claimedAt = performance.now();
    const rows = await this.#log.run(
      ends.map(({ appId }) => appId),
      async (sql) => (await sql.query<Moved>(end, [JSON.stringify(ends.map(endAsSaid)), this.me])).rows,
      ({ isOver }) => (isOver ? 'notification.cancelled' : undefined),
    );
    return mineOf(rows, claimedAt);
  }

  /** Writes down what became of pushes. @returns those whose rings are over meanwhile and whose devices are to be told, and why. */
  async finish(finished: readonly Finished[]): Promise<Map<string, EndReason>> {
    const { tells } = this.telling;
    const finish = `WITH p AS (UPDATE ring_pushes AS p
       SET state = f.state, reason = f.reason, attempts = p.attempts + f.attempts, may_ring = f."mayRing", ended_at = clock_timestamp(),
         sequence = p.sequence + 1, sent_at = coalesce(p.sent_at, f."sentAt"),
         stop = CASE WHEN p.ring_end_reason IS NOT NULL AND f."isTold" AND f."mayRing" THEN 'queued' ELSE p.stop END,
         claimed_until = CASE WHEN p.ring_end_reason IS NOT NULL AND f."isTold" AND f."mayRing" THEN ${untilAgain} END
       FROM json_to_recordset($1) AS f("pushId" uuid, state text, reason text, attempts int, "sentAt" timestamptz, "mayRing" boolean, "isTold" boolean)
       WHERE p.push_id = f."pushId" AND p.claimed_by = $2 RETURNING p.*)
       SELECT ${names}, ${tellable}, p.state, CASE WHEN p.stop = 'queued' THEN p.ring_end_reason END AS reason FROM p WHERE $3 OR p.stop = 'queued'`;
    const isRead = finished.some(({ appId }) => tells(appId));
    const rows = await this.#log.run(
      finished.map(({ appId }) => appId),
      async (sql) => (await sql.query<TellablePush & Ended>(finish, [JSON.stringify(inOrder(finished)), this.me, isRead])).rows,
      ({ state }) => `notification.${state}` as const,
    );
    return new Map(rows.flatMap(({ pushId, reason }) => (reason === null ? [] : [[pushId, reason] as const])));
  }

  /** Writes down which devices that were pushed to ring, as they said themselves: each once, whoever hears of it first. */
  async rang(confirmed: readonly (Confirmed & { appId: AppId })[]): Promise<void> {
    const rang = `UPDATE ring_pushes AS p SET rang_at = c.since, sequence = p.sequence + 1
       FROM (SELECT DISTINCT ON ("callId", "userAlias", "deviceId") * FROM json_to_recordset($1)
               AS c("callId" uuid, "userAlias" text, "deviceId" text, sequence int, since timestamptz) ORDER BY "callId", "userAlias", "deviceId", since) AS c
       WHERE p.call_id = c."callId" AND p.user_alias = c."userAlias" AND p.device_id = c."deviceId" AND p.ring_sequence <= c.sequence
         AND p.rang_at IS NULL RETURNING ${names}, ${tellable}`;
    await this.#log.run(
      confirmed.map(({ appId }) => appId),
      async (sql) => (await sql.query<TellablePush>(rang, [JSON.stringify(confirmed)])).rows,
      () => 'notification.rang',
    );
  }

  /** Writes down what became of telling devices that the ring is over. */
  async told(stops: readonly { pushId: string; stop: 'accepted' | 'failed' }[]): Promise<void> {
    await this.sql.query(
      `UPDATE ring_pushes AS p SET stop = t.stop, claimed_until = NULL
       FROM json_to_recordset($1) AS t("pushId" uuid, stop text) WHERE p.push_id = t."pushId" AND p.claimed_by = $2`,
      [JSON.stringify(inOrder(stops)), this.me],
    );
  }

  /** Says that this replica lives: it goes on claiming all that it has claimed, by one row however much that is. */
  async live(): Promise<void> {
    await this.sql.query(
      `INSERT INTO push_replicas (replica, lives_until) VALUES ($1, ${untilAgain})
       ON CONFLICT (replica) DO UPDATE SET lives_until = excluded.lives_until`,
      [this.me],
    );
  }

  /** Claims again, each for itself, after a silence. @returns those that are still this replica's: the others were taken for a dead one's. */
  async renew(pushIds: readonly string[]): Promise<Set<string>> {
    const { rows } = await this.sql.query<{ pushId: string }>(
      `UPDATE ring_pushes SET claimed_until = ${untilAgain}
       WHERE push_id = ANY($1) AND claimed_by = $2 AND claimed_until IS NOT NULL RETURNING push_id AS "pushId"`,
      [pushIds.toSorted(), this.me],
    );
    return new Set(rows.map(({ pushId }) => pushId));
  }

  /** Leaves pushes to whoever has room, as if they had not been claimed. */
  async leave(pushIds: readonly string[]): Promise<void> {
    await this.sql.query(
      `UPDATE ring_pushes SET claimed_by = NULL, claimed_until = clock_timestamp(), claims_left = claims_left + 1
       WHERE push_id = ANY($1) AND claimed_by = $2 AND claimed_until IS NOT NULL`,
      [pushIds, this.me],
    );
  }

  /**
   * Takes over what nobody is at: of each once, so that a replica that dies while it pushes makes one push more at most. What is too
   * late, or was taken over before, is given up.
   */
  async takeOver(most: number, { inHand = [], full = [], telling = [] }: TakeOverOptions = {}): Promise<RingPush[]> {
    const take = `WITH gone AS (
         DELETE FROM push_replicas WHERE lives_until < clock_timestamp() - interval '1 hour'
       ), p AS (
         UPDATE ring_pushes AS p
         SET claimed_by = $1, sequence = p.sequence + 1, claims_left = p.claims_left - 1, state = CASE WHEN isover AND p.state = 'queued' THEN 'expired' ELSE p.state END,
           ended_at = CASE WHEN isover THEN coalesce(p.ended_at, clock_timestamp()) ELSE p.ended_at END,
           stop = CASE WHEN isover AND p.stop = 'queued' THEN 'failed' ELSE p.stop END,
           claimed_until = CASE WHEN isover THEN NULL ELSE ${untilAgain} END
         FROM (SELECT push_id AS of_push, state AS before, (deadline < clock_timestamp() AND ring_ended_at IS NULL)
                   OR deadline < clock_timestamp() - interval '10 seconds' OR claims_left <= 0 AS isover
               FROM ring_pushes AS d WHERE claimed_until < clock_timestamp() AND push_id <> ALL($3)
                 AND (claimed_by = $1 OR NOT ${lives('d')})
                 AND app_id || '/' || CASE WHEN kind LIKE 'apns%' THEN 'apns' ELSE kind END <> ALL($4)
               ORDER BY claimed_until LIMIT $2 FOR UPDATE SKIP LOCKED) AS due
         WHERE p.push_id = due.of_push RETURNING p.*, due.before
       ), seen AS (
         SELECT p.*, p.claimed_until IS NOT NULL AS ismine, p.state <> p.before AS isover FROM p
       )
       SELECT p.ismine AS "isMine", p.isover AS "isOver", ${columns}, ${tellable}, ${joined} FROM seen AS p ${joins} WHERE p.ismine OR p.isover`;
    const claimedAt = performance.now();
    const rows = await this.#log.run(
      telling,
      async (sql) => (await sql.query<Moved>(take, [this.me, most, inHand, full])).rows,
      ({ isOver }) => (isOver ? 'notification.expired' : undefined),
    );
    return mineOf(rows, claimedAt);
  }
}

const mineOf = (moved: readonly Moved[], claimedAt: number): RingPush[] =>
  moved.filter(({ isMine }) => isMine).map((push) => ({ ...push, claimedAt }));

/** As the end of rings takes them: whoever is at several pushes at once takes them in the same order, so that no two wait for each other. */
const inOrder = <P extends { pushId: string }>(pushes: readonly P[]): P[] =>
  pushes.toSorted((one, other) => (one.pushId < other.pushId ? -1 : 1));

/** Of no device: what all others of a user are told. */
const otherDevice = '-' as DeviceId;

function endAsSaid(end: RingEnd) {
  const byDevice = end.part.state === 'ringing' ? null : end.part.deviceId;
  return {
    callId: end.callId,
    sequence: end.sequence,
    userAlias: end.userAlias,
    byDevice,
    reason: endReasonOn(otherDevice, end) ?? null,
    own: byDevice ? (endReasonOn(byDevice, end) ?? null) : null,
  };
}
