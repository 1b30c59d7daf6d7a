import { type AnyEvent, type AppId, type WebhookBody } from '@communication-center/contracts';
import { Postgres, Report, type ReportError, Settings } from '@communication-center/service';
import { type RowJob, RowJobs } from '@communication-center/service/row-jobs';
import { type BeforeApplicationShutdown, Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { v7 as uuidv7 } from 'uuid';
import { wants } from '../domain/event-filter.js';
import { nextAttemptIn } from '../domain/retry-schedule.js';
import { type Endpoint, EndpointStore } from '../endpoints/endpoint-store.js';
import type { WebhooksSettings } from '../settings.js';
import { Lanes } from './lanes.js';
import { Sender, type SendResult } from './sender.js';

const gone = 410;

interface NewDelivery {
  deliveryId: string;
  endpoint: Endpoint;
  eventId: string;
  eventType: string;
  key: string;
  body: string;
}

interface Claimed {
  endpoint_id: string;
  body: string;
  attempts: number;
}

/**
 * Deliveries are rows first: an event's offset is committed once they are written. They are sent at once from memory,
 * in a lane for each endpoint; what fails waits for its next attempt as a job, and a lost job is found by its row.
 */
@Injectable()
export class Deliveries implements OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly #lanes: Lanes;
  readonly #retries: RowJobs;
  /** How long an attempt belongs to whoever claimed it: longer than any attempt can take. */
  readonly #claimSeconds: number;

  constructor(
    private readonly database: Postgres,
    private readonly endpoints: EndpointStore,
    private readonly sender: Sender,
    @Inject(Settings) private readonly settings: WebhooksSettings,
    @Inject(Report) private readonly report: ReportError,
  ) {
    this.#claimSeconds = 5 + settings.REQUEST_TIMEOUT_MS / 1000;
    this.#lanes = new Lanes(settings.LANE_CONCURRENCY, settings.LANE_LENGTH);
    this.#retries = new RowJobs({
      name: 'webhook-deliveries',
      redisUrl: settings.REDIS_URL,
      work: (deliveryId, attempt) => this.#retry(deliveryId, attempt),
      overdue: () => this.#overdue(),
      onError: report,
      concurrency: 50,
    });
  }

  onApplicationBootstrap(): void {
    this.#retries.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.#retries.stop();
    await this.#lanes.drained();
  }

  /** Writes a delivery for every endpoint that wants one of these events, then sends them. A repeat writes nothing. */
  async take(events: readonly AnyEvent[]): Promise<void> {
    const endpoints = await this.endpoints.enabledOf([...new Set(events.map(({ appid }) => appid))]);
    if (endpoints.length === 0) return;
    const wanted = events.flatMap((event) =>
      endpoints
        .filter((endpoint) => endpoint.appId === event.appid && wants(endpoint.eventTypes, event.type))
        .map((endpoint) => toDelivery(endpoint, event)),
    );
    if (wanted.length === 0) return;
    const { rows } = await this.database.query<{ delivery_id: string }>(
      `INSERT INTO deliveries (delivery_id, endpoint_id, app_id, event_id, event_type, key, body, next_attempt_at)
       SELECT *, clock_timestamp() + make_interval(secs => $8)
       FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::uuid[], $5::text[], $6::text[], $7::text[])
       ON CONFLICT (endpoint_id, event_id) DO NOTHING RETURNING delivery_id`,
      [
        wanted.map(({ deliveryId }) => deliveryId),
        wanted.map(({ endpoint }) => endpoint.endpointId),
        wanted.map(({ endpoint }) => endpoint.appId),
        wanted.map(({ eventId }) => eventId),
        wanted.map(({ eventType }) => eventType),
        wanted.map(({ key }) => key),
        wanted.map(({ body }) => body),
        this.#claimSeconds,
      ],
    );
    const written = new Set(rows.map(({ delivery_id }) => delivery_id));
    for (const delivery of wanted) {
      if (!written.has(delivery.deliveryId)) continue;
      // A full lane leaves the delivery to the sweep, which finds it when its claim has run out.
      this.#lanes.push(delivery.endpoint.endpointId, delivery.key, () => this.#attempt(delivery.deliveryId, 0, delivery.endpoint));
    }
  }

  async #retry(deliveryId: string, attempt: number): Promise<void> {
    const { rows } = await this.database.query<{ endpoint_id: string; key: string }>(
      "SELECT endpoint_id, key FROM deliveries WHERE delivery_id = $1 AND state = 'pending' AND attempts = $2",
      [deliveryId, attempt - 1],
    );
    const row = rows[0];
    if (!row) return;
    const endpoint = await this.endpoints.enabled(row.endpoint_id);
    if (!endpoint) return this.#end(deliveryId, 'failed');
    this.#lanes.push(row.endpoint_id, row.key, () => this.#attempt(deliveryId, attempt - 1, endpoint));
  }

  /** Makes one attempt, unless somebody else has made it. Never throws: the row keeps what is still to do. */
  async #attempt(deliveryId: string, made: number, endpoint: Endpoint): Promise<void> {
    try {
      const { rows } = await this.database.query<Claimed>(
        `UPDATE deliveries SET attempts = attempts + 1, next_attempt_at = clock_timestamp() + make_interval(secs => $3)
         WHERE delivery_id = $1 AND state = 'pending' AND attempts = $2 RETURNING endpoint_id, body, attempts`,
        [deliveryId, made, this.#claimSeconds],
      );
      const claimed = rows[0];
      if (claimed) await this.#settle(deliveryId, claimed.attempts, endpoint, await this.sender.send(endpoint, deliveryId, claimed.body));
    } catch (error) {
      this.report(error, 'delivering a webhook');
    }
  }

  async #settle(deliveryId: string, attempt: number, endpoint: Endpoint, result: SendResult): Promise<void> {
    await this.database.query('INSERT INTO attempts (delivery_id, attempt, status, error, duration_ms) VALUES ($1, $2, $3, $4, $5)', [
      deliveryId,
      attempt,
      result.status,
      result.error,
      result.durationMs,
    ]);
    if (result.error === null) return this.#end(deliveryId, 'delivered');
    if (result.status === gone) {
      await this.endpoints.disable(endpoint.endpointId, 'it answered 410 Gone');
      return this.#end(deliveryId, 'failed');
    }
    const delayMs = nextAttemptIn(this.settings.RETRY_SCHEDULE_SECONDS, attempt, result.retryAfterMs, Math.random());
    if (delayMs === null) return this.#end(deliveryId, 'failed');
    await this.database.query(
      'UPDATE deliveries SET next_attempt_at = clock_timestamp() + make_interval(secs => $2) WHERE delivery_id = $1',
      [deliveryId, delayMs / 1000],
    );
    await this.#retries.add([{ rowId: deliveryId, attempt: attempt + 1, delayMs }]);
  }

  async #end(deliveryId: string, state: 'delivered' | 'failed'): Promise<void> {
    await this.database.query('UPDATE deliveries SET state = $2, next_attempt_at = NULL WHERE delivery_id = $1', [deliveryId, state]);
  }

  async #overdue(): Promise<RowJob[]> {
    const { rows } = await this.database.query<{ delivery_id: string; attempts: number }>(
      `SELECT delivery_id, attempts FROM deliveries
       WHERE state = 'pending' AND next_attempt_at < clock_timestamp() - interval '2 seconds' ORDER BY next_attempt_at LIMIT 500`,
    );
    return rows.map(({ delivery_id, attempts }) => ({ rowId: delivery_id, attempt: attempts + 1, delayMs: 0 }));
  }
}

function toDelivery(endpoint: Endpoint, event: AnyEvent): NewDelivery {
  const about = event.type.startsWith('call.') ? { callId: event.subject } : {};
  const body: WebhookBody = {
    type: event.type,
    timestamp: event.time,
    data: { appId: event.appid as AppId, ...about, sequence: event.sequence, ...(event.data as Record<string, unknown>) },
  };
  return { deliveryId: uuidv7(), endpoint, eventId: event.id, eventType: event.type, key: event.subject, body: JSON.stringify(body) };
}
