import type { Subject } from '@communication-center/contracts';
import { type UsageOfDay, type UsageQuery, usageQuerySchema } from '@communication-center/contracts/usage';
import { appOfKey, From, Postgres, QueryString } from '@communication-center/service';
import { Controller, Get } from '@nestjs/common';

@Controller('v1/usage')
export class UsageController {
  constructor(private readonly database: Postgres) {}

  /** What the app used, day by day; days without a call are left out. */
  @Get()
  async list(@From() subject: Subject, @QueryString(usageQuerySchema) { from, to }: UsageQuery): Promise<{ usage: UsageOfDay[] }> {
    const { rows } = await this.database.query<UsageOfDay>(
      `SELECT to_char(ended_at AT TIME ZONE 'UTC', 'YYYY-MM-DD') AS day, count(*)::int AS calls, sum(talk_seconds) AS "talkSeconds"
       FROM calls_used
       WHERE app_id = $1 AND ended_at >= $2::date AT TIME ZONE 'UTC' AND ended_at < ($3::date + 1) AT TIME ZONE 'UTC'
       GROUP BY 1 ORDER BY 1`,
      [appOfKey(subject, 'calls'), from, to],
    );
    return { usage: rows };
  }
}
