import type { AppId } from '@communication-center/contracts';
import type { Database, OutboxRelay, Sql } from '@communication-center/event-log';
import { type Happened, publish } from '../messages/notification-events.js';
import type { RingPush } from './ring-rows.js';

/** A push as a statement left it, with what is told of it. */
export type TellablePush = Pick<RingPush, 'pushId' | 'appId' | 'callId' | 'userAlias' | 'deviceId'> & {
  attempts: number;
  sentAt: Date | null;
  /** Its place among the events of the push. */
  place: number;
  at: Date;
};

/** Of a push `p`, what {@link TellablePush} has beside its names. */
export const tellable = 'p.attempts, p.sent_at AS "sentAt", p.sequence AS place, clock_timestamp() AS at';

/** What tells of pushes: nothing for the most of apps, which do not read it. */
export interface RingTelling {
  tells: (appId: AppId) => boolean;
  relay: Pick<OutboxRelay, 'committed'>;
}

const happened = (type: Happened['type'], { appId, place, at, attempts, sentAt, ...push }: TellablePush): Happened => {
  const { pushId: notificationId, callId, userAlias, deviceId } = push;
  const isOutcome = type !== 'notification.queued' && type !== 'notification.rang' && type !== 'notification.opened';
  const data = { notificationId, ruleId: null, channel: 'ring', callId, userAlias, deviceId, attempts };
  return { type, appId, at, sequence: place, data: isOutcome ? { ...data, sentAt: sentAt?.toISOString() ?? null } : data } as Happened;
};

/** Runs statements about pushes, and tells what they came to where the app wishes it: in the same transaction. */
export class RingLog {
  constructor(
    private readonly sql: Database,
    private readonly telling: RingTelling,
  ) {}

  /**
   * @param appIds whose pushes may be among them: where none of these apps reads, it is the statement alone.
   * @param typeOf what is told of a row; undefined for nothing.
   */
  async run<R extends TellablePush>(
    appIds: readonly AppId[],
    ask: (sql: Sql) => Promise<R[]>,
    typeOf: (row: R) => Happened['type'] | undefined,
  ): Promise<R[]> {
    const { tells, relay } = this.telling;
    if (!appIds.some(tells)) return ask(this.sql);
    const { rows, written } = await this.sql.transaction(async (tx) => {
      const found = await ask(tx);
      const told = found.flatMap((row) => {
        const type = tells(row.appId) ? typeOf(row) : undefined;
        return type ? [happened(type, row)] : [];
      });
      return { rows: found, written: await publish(tx, told) };
    });
    relay.committed(written);
    return rows;
  }
}
