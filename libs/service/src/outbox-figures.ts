import { oldestUnpublishedAge, type RelayAlarms, type Sql, unpublishedRows } from '@communication-center/event-log';
import { Counter, Gauge } from 'prom-client';

const setAside = new Counter({
  name: 'outbox_set_aside_total',
  help: 'Events that no broker takes, however often they are sent: they are in the table unsendable, and later ones went on',
  labelNames: ['topic'],
});

const countChanged = new Counter({
  name: 'log_partitions_changed_total',
  help: 'How often a topic was found to have another number of partitions than when it was first written to',
  labelNames: ['topic'],
});

/** @returns what counts and reports the alarms of the outbox. */
export function outboxAlarms(report: (error: unknown, doing: string) => void): RelayAlarms {
  return {
    onSetAside: (topic, key, reason) => {
      setAside.inc({ topic });
      report(new Error(`${topic} takes no event of ${key}: ${reason}`), 'setting an event aside');
    },
    onCountChanged: (topic) => {
      countChanged.inc({ topic });
      report(new Error(`${topic} has another number of partitions than before: its keys stay where they were`), 'counting partitions');
    },
  };
}

/** How long the oldest event has waited to be published, and how many do. */
export interface OutboxFigures {
  oldestMs: number;
  rows: number;
}

/** @returns what the outbox holds now. */
export async function readOutbox(sql: Sql): Promise<OutboxFigures> {
  const [oldestMs, rows] = await Promise.all([oldestUnpublishedAge(sql), unpublishedRows(sql)]);
  return { oldestMs, rows };
}

/** Tells Prometheus what the outbox of this service holds; while the database is away, that it does not know (NaN). */
export function tellOutbox(sql: Sql): void {
  const rows = new Gauge({ name: 'outbox_rows', help: 'Events that wait to be published, up to 100,000' });
  new Gauge({
    name: 'outbox_oldest_seconds',
    help: 'How long the oldest event has waited to be published',
    async collect() {
      const found = await readOutbox(sql).catch(() => ({ oldestMs: Number.NaN, rows: Number.NaN }));
      this.set(found.oldestMs / 1000);
      rows.set(found.rows);
    },
  });
}
