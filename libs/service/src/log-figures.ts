import { EventLog, type EventLogServer, type OutboxRelay } from '@communication-center/event-log';
import { Counter, Gauge } from 'prom-client';
import { tellFigure } from './figures.js';

/** Tells Prometheus how a service's consumers are, and how far they are behind; what nobody knows now is left out. */
export function tellConsumers(server: Pick<EventLogServer, 'health' | 'lags' | 'parkedCounts'>): void {
  new Gauge({
    name: 'consumer_running',
    help: 'Whether a consumer of this process consumes: 1, or 0 for one that has stopped or is yet to start',
    labelNames: ['consumer'],
    collect() {
      this.reset();
      for (const { group, state } of server.health()) this.set({ consumer: group }, state === 'running' || state === 'paused' ? 1 : 0);
    },
  });
  new Gauge({
    name: 'consumer_lag_events',
    help: 'Events of a topic that a consumer has yet to handle: of its whole group, which all replicas tell alike',
    labelNames: ['consumer', 'topic'],
    async collect() {
      this.reset();
      for (const { group, topic, events } of await server.lags().catch(() => [])) this.set({ consumer: group, topic }, events);
    },
  });
  new Gauge({
    name: 'log_parked_keys',
    help: 'Keys that a consumer has parked and that somebody has to look at, up to 10,000 in all',
    labelNames: ['consumer'],
    async collect() {
      this.reset();
      for (const { group, keys } of await server.parkedCounts().catch(() => [])) this.set({ consumer: group }, keys);
    },
  });
}

/** Tells Prometheus what this process asks of the brokers. */
export function tellRequests(): void {
  new Counter({
    name: 'kafka_requests_total',
    help: 'Requests that this replica has made to brokers, by their kind in the protocol of Kafka',
    labelNames: ['api'],
    collect() {
      this.reset();
      for (const [api, requests] of EventLog.requestCounts) this.inc({ api }, requests);
    },
  });
}

/** Tells Prometheus how this replica's part of the publishing goes. */
export function tellRelay(relay: Pick<OutboxRelay, 'figures'>): void {
  tellFigure('relay_shards', 'Sixteenths of the outbox that this replica publishes', () => relay.figures.shards.size);
  const lastAt = 'When this replica last published an event, in seconds since 1970; NaN while it has not';
  tellFigure('relay_last_published_seconds', lastAt, () => (relay.figures.lastPublishedAt?.getTime() ?? Number.NaN) / 1000);
  tellTotal('relay_published_total', 'Events that this replica has published', () => relay.figures.published);
  tellTotal('relay_failures_total', 'Sends of events that failed and are made again', () => relay.figures.failures);
}

/** Tells a total that is counted elsewhere. */
function tellTotal(name: string, help: string, read: () => number): void {
  let told = 0;
  new Counter({
    name,
    help,
    collect() {
      const total = read();
      this.inc(total - told);
      told = total;
    },
  });
}
