import {
  type AppId,
  type DeliveryListQuery,
  type DeliveryView,
  deliveryListQuerySchema,
  type Subject,
} from '@communication-center/contracts';
import type { Sql } from '@communication-center/event-log';
import { appOfKey, From, Postgres, QueryString } from '@communication-center/service';
import { Controller, Get } from '@nestjs/common';

interface DeliveryRow {
  delivery_id: string;
  endpoint_id: string;
  event_type: string;
  state: DeliveryView['state'];
  next_attempt_at: Date | null;
  attempts: { attempt: number; at: string; status: number | null; error: string | null; durationMs: number }[] | null;
}

@Controller('v1/webhook-deliveries')
export class DeliveriesController {
  constructor(private readonly database: Postgres) {}

  /** The newest deliveries, each with every attempt that was made. */
  @Get()
  async list(
    @From() subject: Subject,
    @QueryString(deliveryListQuerySchema) query: DeliveryListQuery,
  ): Promise<{ deliveries: DeliveryView[] }> {
    const rows = await newestDeliveries(this.database.of('lists'), appOfKey(subject, 'webhooks'), query);
    return { deliveries: rows.map(toView) };
  }
}

/** Reads as many rows as the page has, of an app or of one of its endpoints, however many there are. */
export async function newestDeliveries(
  sql: Sql,
  appId: AppId,
  { endpointId, limit }: { endpointId?: string | undefined; limit: number },
): Promise<DeliveryRow[]> {
  const whose = endpointId ? 'd.endpoint_id = (SELECT endpoint_id FROM endpoints WHERE app_id = $1 AND endpoint_id = $3)' : 'd.app_id = $1';
  const { rows } = await sql.query<DeliveryRow>(
    `SELECT d.delivery_id, d.endpoint_id, d.event_type, d.state, d.next_attempt_at,
            (SELECT json_agg(json_build_object('attempt', a.attempt, 'at', a.at, 'status', a.status, 'error', a.error, 'durationMs', a.duration_ms)
                             ORDER BY a.attempt) FROM attempts AS a WHERE a.delivery_id = d.delivery_id) AS attempts
     FROM deliveries AS d WHERE ${whose} ORDER BY d.created_at DESC LIMIT $2`,
    [appId, limit, ...(endpointId ? [endpointId] : [])],
  );
  return rows;
}

function toView(row: DeliveryRow): DeliveryView {
  return {
    deliveryId: row.delivery_id,
    endpointId: row.endpoint_id,
    eventType: row.event_type,
    state: row.state,
    attempts: (row.attempts ?? []).map((attempt) => ({ ...attempt, at: new Date(attempt.at).toISOString() })),
    nextAttemptAt: row.next_attempt_at?.toISOString() ?? null,
  };
}
