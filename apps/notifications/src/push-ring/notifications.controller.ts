import {
  type NotificationEvent,
  type NotificationList,
  type NotificationListQuery,
  type NotificationView,
  notificationListQuerySchema,
  type Subject,
} from '@communication-center/contracts';
import { OutboxRelay } from '@communication-center/event-log';
import { appOf, appOfKey, From, PathParam, Postgres, ProblemError, QueryString } from '@communication-center/service';
import { Controller, Get, HttpCode, Post } from '@nestjs/common';
import { z } from 'zod';
import { KnownCredentials } from '../credentials/known-credentials.js';
import { publish } from '../messages/notification-events.js';

type Times = 'deadline' | 'createdAt' | 'endedAt' | 'openedAt' | 'sentAt' | 'rangAt';
type Row = Omit<NotificationView, Times> & Record<Exclude<Times, 'createdAt'>, Date | null> & { createdAt: Date };

const ofRings = `SELECT push_id AS "notificationId", 'ring' AS channel, NULL AS "ruleId", call_id AS "callId", user_alias AS "userAlias", device_id AS "deviceId",
  kind, state, reason, stop, attempts, deadline, created_at AS "createdAt", ended_at AS "endedAt", opened_at AS "openedAt", sent_at AS "sentAt",
  rang_at AS "rangAt" FROM ring_pushes`;
const ofRules = `SELECT notification_id, channel, rule_id, call_id, user_alias, device_id,
  NULL, state, reason, 'none', attempts, NULL::timestamptz, created_at, ended_at, opened_at, NULL::timestamptz, NULL::timestamptz FROM sent_notifications`;

/** What is told of one that was opened; without a sequence where it had been before. */
type Opened = NotificationEvent['data'] & { at: Date; sequence: number | null };
const markOpened = `WITH known AS (
    SELECT * FROM sent_notifications WHERE notification_id = $1 AND app_id = $2 AND ($3::text IS NULL OR user_alias = $3) FOR UPDATE),
  marked AS (
    UPDATE sent_notifications AS sent SET opened_at = clock_timestamp(), sequence = sent.sequence + 1
    FROM known WHERE sent.notification_id = known.notification_id AND known.opened_at IS NULL RETURNING sent.opened_at, sent.sequence)
  SELECT notification_id AS "notificationId", rule_id AS "ruleId", channel, call_id AS "callId", user_alias AS "userAlias", device_id AS "deviceId", attempts,
    marked.opened_at AS at, marked.sequence FROM known LEFT JOIN marked ON true`;

const markRingOpened = `WITH known AS (
    SELECT * FROM ring_pushes WHERE push_id = $1 AND app_id = $2 AND ($3::text IS NULL OR user_alias = $3) FOR UPDATE),
  marked AS (
    UPDATE ring_pushes AS ring SET opened_at = clock_timestamp(), sequence = ring.sequence + 1
    FROM known WHERE ring.push_id = known.push_id AND known.opened_at IS NULL RETURNING ring.opened_at, ring.sequence)
  SELECT push_id AS "notificationId", NULL AS "ruleId", 'ring' AS channel, call_id AS "callId", user_alias AS "userAlias", device_id AS "deviceId", attempts,
    marked.opened_at AS at, marked.sequence FROM known LEFT JOIN marked ON true`;

/** Tells what became of pushes and of what rules send, and hears that it was opened. */
@Controller('v1/notifications')
export class NotificationsController {
  constructor(
    private readonly database: Postgres,
    private readonly relay: OutboxRelay,
    private readonly known: KnownCredentials,
  ) {}

  @Get()
  async list(@From() subject: Subject, @QueryString(notificationListQuerySchema) query: NotificationListQuery): Promise<NotificationList> {
    const appId = appOfKey(subject, 'notifications');
    const { callId = null, userAlias = null, deviceId = null, state = null, limit } = query;
    const wanted = `WHERE app_id = $1 AND ${callId ? 'call_id = $2' : '$2::uuid IS NULL'} AND ${userAlias ? 'user_alias = $3' : '$3::text IS NULL'}
      AND ($5::text IS NULL OR device_id = $5) AND ($6::text IS NULL OR state = $6) ORDER BY created_at DESC LIMIT $4`;
    const { rows } = await this.database.query<Row>(
      `SELECT * FROM ((${ofRings} ${wanted}) UNION ALL (${ofRules} ${wanted})) AS both_kinds ORDER BY "createdAt" DESC LIMIT $4`,
      [appId, callId, userAlias, limit, deviceId, state],
    );
    return { notifications: rows.map(toView) };
  }

  /** The app says that the user opened what a rule sent: nothing more is sent because of the same event. Said again, it is as it was. */
  @Post(':notificationId/opened')
  @HttpCode(204)
  async opened(@From() subject: Subject, @PathParam('notificationId', z.uuid()) notificationId: string): Promise<void> {
    const appId = appOf(subject, 'notifications');
    const { wasKnown, written } = await this.database.transaction(async (tx) => {
      const which = [notificationId, appId, subject.kind === 'user' ? subject.userAlias : null];
      const [ofRule] = (await tx.query<Opened>(markOpened, which)).rows;
      const row = ofRule ?? (await tx.query<Opened>(markRingOpened, which)).rows[0];
      if (!row?.sequence) return { wasKnown: row !== undefined, written: [] };
      const { at, sequence, ...data } = row;
      if (data.channel === 'ring' && !this.known.tellsRings(appId)) return { wasKnown: true, written: [] };
      return { wasKnown: true, written: await publish(tx, [{ type: 'notification.opened', appId, at, sequence, data }]) };
    });
    this.relay.committed(written);
    if (!wasKnown) throw new ProblemError('not_found', 'No such notification');
  }
}

const toView = ({ deadline, createdAt, endedAt, openedAt, sentAt, rangAt, ...row }: Row): NotificationView => ({
  ...row,
  deadline: deadline?.toISOString() ?? null,
  createdAt: createdAt.toISOString(),
  endedAt: endedAt?.toISOString() ?? null,
  openedAt: openedAt?.toISOString() ?? null,
  sentAt: sentAt?.toISOString() ?? null,
  rangAt: rangAt?.toISOString() ?? null,
});
