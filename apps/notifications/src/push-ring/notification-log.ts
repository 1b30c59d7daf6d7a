import type { AppId, NotificationLog } from '@communication-center/contracts';
import { Postgres } from '@communication-center/service';
import { Injectable } from '@nestjs/common';

/** What of the notifications of apps is told as events. Known everywhere within a second or two, as credentials are. */
@Injectable()
export class NotificationLogStore {
  constructor(private readonly database: Postgres) {}

  async read(appId: AppId): Promise<NotificationLog> {
    const { rows } = await this.database.query<NotificationLog>('SELECT rings FROM notification_logs WHERE app_id = $1', [appId]);
    return rows[0] ?? { rings: false };
  }

  async save(appId: AppId, { rings }: NotificationLog): Promise<NotificationLog> {
    await this.database.query(
      `INSERT INTO notification_logs (app_id, rings) VALUES ($1, $2)
       ON CONFLICT (app_id) DO UPDATE SET rings = excluded.rings, saved_at = clock_timestamp()`,
      [appId, rings],
    );
    return { rings };
  }
}
