import type { Gap, ParkedKind } from '@communication-center/event-log';
import { Counter } from 'prom-client';

const gaps = new Counter({
  name: 'log_gaps_total',
  help: 'Events that a topic should have held and did not, found by a consumer and read from their owner',
  labelNames: ['consumer'],
});

const parked = new Counter({
  name: 'log_parked_keys_total',
  help: 'Keys parked by a consumer: fault, for an event that cannot be handled; newer, for one that a newer release wrote',
  labelNames: ['consumer', 'kind'],
});

/** @returns what counts the alarms of the log for Prometheus, and reports a gap. */
export function logAlarms(report: (error: unknown, doing: string) => void) {
  return {
    onGap: ({ topic, key, after, before }: Gap, consumer: string): void => {
      gaps.inc({ consumer }, before - after - 1);
      report(new Error(`${topic} lacks what came between ${after} and ${before} of ${key}`), `repairing a gap as ${consumer}`);
    },
    onParked: (kind: ParkedKind, consumer: string): void => parked.inc({ consumer, kind }),
  };
}

const compared = new Counter({
  name: 'log_reconciled_total',
  help: 'Published events that were compared with what their topic holds',
});

const missing = new Counter({
  name: 'log_missing_total',
  help: 'Published events that their topic lacked, or held in the wrong order at its end, and that were sent again',
  labelNames: ['topic'],
});

/** @returns what counts comparisons of the outbox with the log, and reports what the log lacked. */
export function comparisonAlarms(report: (error: unknown, doing: string) => void) {
  return {
    onCompared: (rows: number): void => compared.inc(rows),
    onMissing: (topic: string, keys: readonly string[]): void => {
      missing.inc({ topic }, keys.length);
      report(new Error(`${topic} lacked ${keys.length} published events: of ${keys.slice(0, 10).join(', ')}`), 'sending events again');
    },
  };
}
