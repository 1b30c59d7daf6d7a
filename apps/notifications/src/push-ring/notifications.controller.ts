import {
  type NotificationList,
  type NotificationListQuery,
  type NotificationView,
  notificationListQuerySchema,
  type Subject,
} from '@communication-center/contracts';
import { appOfKey, From, Postgres, QueryString } from '@communication-center/service';
import { Controller, Get } from '@nestjs/common';

type Row = Omit<NotificationView, 'deadline' | 'createdAt' | 'endedAt'> & { deadline: Date; createdAt: Date; endedAt: Date | null };

/** Tells what became of pushes. */
@Controller('v1/notifications')
export class NotificationsController {
  constructor(private readonly database: Postgres) {}

  @Get()
  async list(@From() subject: Subject, @QueryString(notificationListQuerySchema) query: NotificationListQuery): Promise<NotificationList> {
    const appId = appOfKey(subject, 'notifications');
    const { callId = null, userAlias = null, limit } = query;
    const { rows } = await this.database.query<Row>(
      `SELECT push_id AS "notificationId", call_id AS "callId", user_alias AS "userAlias", device_id AS "deviceId", kind, state, reason, stop,
         attempts, deadline, created_at AS "createdAt", ended_at AS "endedAt"
       FROM ring_pushes WHERE app_id = $1 AND ${callId ? 'call_id = $2' : '$2::uuid IS NULL'} AND ${userAlias ? 'user_alias = $3' : '$3::text IS NULL'}
       ORDER BY created_at DESC LIMIT $4`,
      [appId, callId, userAlias, limit],
    );
    return {
      notifications: rows.map(({ deadline, createdAt, endedAt, ...row }) => ({
        ...row,
        deadline: deadline.toISOString(),
        createdAt: createdAt.toISOString(),
        endedAt: endedAt?.toISOString() ?? null,
      })),
    };
  }
}
