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
