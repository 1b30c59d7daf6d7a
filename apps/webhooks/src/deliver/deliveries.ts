import { type AnyEvent, type AppId, type WebhookBody } from '@communication-center/contracts';
import { Postgres, Report, type ReportError, resumeTrace, Settings } from '@communication-center/service';
import { type RowJob, RowJobs } from '@communication-center/service/row-jobs';
import { type BeforeApplicationShutdown, Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { v7 as uuidv7 } from 'uuid';
import { chunksOf } from '../domain/chunks.js';
import { needsCallFacts, wants } from '../domain/event-filter.js';
import { type Endpoint, EndpointStore } from '../endpoints/endpoint-store.js';
import { KnownCalls } from '../known-calls/known-calls.js';
import type { WebhooksSettings } from '../settings.js';
import { tellDeliveries } from './delivery-figures.js';
import {
  type AttemptMade,
  claimAttempt,
  findDue,
  firstEndpoint,
  giveUp,
  handOver,
  type NewDelivery,
  readWaiting,
  recordAttempt,
  type Unfinished,
  type WaitingDelivery,
  writeDeliveries,
} from './delivery-rows.js';
import { Lanes, type LaneTask } from './lanes.js';
import { Sender, type SendResult } from './sender.js';

const gone = 410;
/** How long a stopping service waits for answers: a receiver that is well needs less, one that hangs is not waited for. */
const lastAnswersMs = 1000;

/** Deliveries, and characters of their bodies, that one statement writes at most. */
const atOnce = { items: 500, size: 4_000_000 };

interface Attempt extends LaneTask, Unfinished {}

/** What a delivery tells. */
type Told = Omit<WaitingDelivery, 'endpointId'> | NewDelivery;

const isOfCall = (eventType: string) => eventType.startsWith('call.');

/**
 * Deliveries are rows first: an event's offset is committed once they are written. They are sent at once from memory,
 * in a lane for each endpoint; what fails waits for its next attempt as a job, and a lost job is found by its row.
 */
@Injectable()
export class Deliveries implements OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly #lanes: Lanes<Attempt>;
  readonly #retries: RowJobs;
  /** How long an attempt belongs to whoever claimed it: longer than any attempt can take. */
  readonly #claimSeconds: number;
  readonly #stopping = new AbortController();
  readonly #brokenOff: Unfinished[] = [];
  #round = firstEndpoint;

  constructor(
    private readonly database: Postgres,
    private readonly endpoints: EndpointStore,
    private readonly sender: Sender,
    private readonly calls: KnownCalls,
    @Inject(Settings) settings: WebhooksSettings,
    @Inject(Report) private readonly report: ReportError,
  ) {
    this.#claimSeconds = 5 + settings.REQUEST_TIMEOUT_MS / 1000;
    this.#lanes = new Lanes(settings.LANE_CONCURRENCY, settings.LANE_LENGTH);
    tellDeliveries(database.of('reads'), this.#lanes);
    this.#retries = new RowJobs({
      name: 'webhook-deliveries',
      redis: settings,
      work: (deliveryId, attempt) => this.#retry(deliveryId, attempt),
      overdue: () => this.#overdue(),
      schedule: settings.RETRY_SCHEDULE_SECONDS,
      onError: report,
      concurrency: 50,
      sweepMs: 1000,
    });
  }

  onApplicationBootstrap(): void {
    this.#retries.start();
  }

  /** Hands over what is not done, however long a receiver hangs: another replica, or the next start, delivers it at once. */
  async beforeApplicationShutdown(): Promise<void> {
    await this.#retries.finish();
    const waiting = this.#lanes.close();
    const hanging = setTimeout(() => this.#stopping.abort(), lastAnswersMs);
    await this.#lanes.drained();
    clearTimeout(hanging);
    await handOver(this.database, waiting, this.#brokenOff);
    await this.#retries.add([...waiting, ...this.#brokenOff].map(toJob));
    await this.#retries.stop();
  }

  /** Writes a delivery for every endpoint that wants one of these events, then sends them. A repeat writes nothing. */
  async take(events: readonly AnyEvent[]): Promise<void> {
    // No statement, where it is known that these apps have none.
    const endpoints = await this.endpoints.enabledOf([...new Set(events.map(({ appid }) => appid))]);
    const filtering = new Set(endpoints.filter(needsCallFacts).map(({ appId }) => appId));
    const calls = await this.calls.of(events.filter(({ appid }) => filtering.has(appid)));
    const wanted = events.flatMap((event) =>
      endpoints
        .filter((endpoint) => endpoint.appId === event.appid && wants(endpoint, { ...event, call: calls.get(event.subject) }))
        .map((endpoint) => ({ endpoint, delivery: toDelivery(endpoint, event) })),
    );
    // An app with many endpoints and large events gets many statements, not one that is too large for everybody.
    for (const chunk of chunksOf(wanted, ({ delivery }) => delivery.body.length, atOnce)) await this.#write(chunk);
  }

  async #write(wanted: readonly { endpoint: Endpoint; delivery: NewDelivery }[]): Promise<void> {
    const deliveries = wanted.map(({ delivery }) => delivery);
    const written = await writeDeliveries(this.database, deliveries, this.#claimSeconds);
    for (const { endpoint, delivery } of wanted) {
      // A full lane leaves the delivery to the sweep, which finds it when its claim has run out.
      if (written.has(delivery.deliveryId)) this.#push(endpoint, delivery, { deliveryId: delivery.deliveryId, made: 0 });
    }
  }

  #push(endpoint: Endpoint, { eventType, key, traceparent }: Told, { deliveryId, made }: Unfinished): void {
    const about = { traceparent: traceparent ?? undefined, appid: endpoint.appId, callid: isOfCall(eventType) ? key : undefined };
    // A lane works on when whatever came before is done: it must not be taken for a part of that.
    const work = () => resumeTrace([about], () => this.#attempt(deliveryId, made, endpoint));
    this.#lanes.push(endpoint.endpointId, { id: deliveryId, key, deliveryId, made, work });
  }

  async #retry(deliveryId: string, attempt: number): Promise<void> {
    if (this.#lanes.holds(deliveryId)) return;
    const row = await readWaiting(this.database, deliveryId, attempt - 1);
    if (!row) return;
    const endpoint = await this.endpoints.enabled(row.endpointId);
    if (!endpoint) return giveUp(this.database, deliveryId);
    this.#push(endpoint, row, { deliveryId, made: attempt - 1 });
  }

  /** Makes one attempt, unless somebody else has made it. Never throws: the row keeps what is still to do. */
  async #attempt(deliveryId: string, made: number, endpoint: Endpoint): Promise<void> {
    try {
      const body = await claimAttempt(this.database, deliveryId, made, this.#claimSeconds);
      if (body === undefined) return;
      const result = await this.sender.send(endpoint, { deliveryId, body, signal: this.#stopping.signal });
      if (result === 'broken off') this.#brokenOff.push({ deliveryId, made });
      else await this.#settle({ ...result, deliveryId, attempt: made + 1 }, endpoint, result);
    } catch (error) {
      this.report(error, 'delivering a webhook');
    }
  }

  /** Writes down what came of an attempt in the statement that decides what is next. */
  async #settle(made: AttemptMade, endpoint: Endpoint, result: SendResult): Promise<void> {
    if (result.error === null) return recordAttempt(this.database, made, { state: 'delivered' });
    if (result.status === gone) {
      await this.endpoints.disable(endpoint.endpointId, 'it answered 410 Gone');
      return recordAttempt(this.database, made, { state: 'failed' });
    }
    const putOff = (delayMs: number) => recordAttempt(this.database, made, { delayMs });
    const again = await this.#retries.tryLater({ rowId: made.deliveryId, made: made.attempt, askedMs: result.retryAfterMs, putOff });
    if (!again) await recordAttempt(this.database, made, { state: 'failed' });
  }

  async #overdue(): Promise<RowJob[]> {
    const { due, next } = await findDue(this.database, this.#round, this.#lanes.full());
    this.#round = next;
    return due.filter(({ deliveryId }) => !this.#lanes.holds(deliveryId)).map(toJob);
  }
}

const toJob = ({ deliveryId, made }: Unfinished): RowJob => ({ rowId: deliveryId, attempt: made + 1, delayMs: 0 });

function toDelivery({ endpointId, appId }: Endpoint, event: AnyEvent): NewDelivery {
  const about = isOfCall(event.type) ? { callId: event.subject } : {};
  const body: WebhookBody = {
    type: event.type,
    timestamp: event.time,
    data: { appId: event.appid as AppId, ...about, sequence: event.sequence, ...(event.data as Record<string, unknown>) },
  };
  return {
    deliveryId: uuidv7(),
    endpointId,
    appId,
    eventId: event.id,
    eventType: event.type,
    key: event.subject,
    body: JSON.stringify(body),
    traceparent: event.traceparent,
  };
}
