/** How long a slot of `sent` is written to, in seconds. */
export const sentSlotSeconds = 600;

/**
 * Into how many slots `sent` is divided. With slots of ten minutes a row is overwritten by nobody for two hours, and a slot can
 * be emptied whole an hour after it was written to.
 */
export const sentSlots = 12;

const slots = Array.from({ length: sentSlots }, (_, slot) => slot);

/**
 * What an outbox needs in a service's schema beside `eventLogTables`: run by a migration of that service.
 *
 * `outbox` holds only what is yet to be published. A row whose partition is not known has partition -1: written by an earlier
 * release, or before the brokers were first reached. What was published is in `sent`, a ring of slots that are emptied whole.
 */
export const outboxTables = [
  'DELETE FROM outbox WHERE published_at IS NOT NULL',
  'ALTER TABLE outbox ADD COLUMN partition int NOT NULL DEFAULT -1, ALTER COLUMN shard DROP NOT NULL',
  'DROP INDEX outbox_unpublished',
  'CREATE INDEX outbox_lanes ON outbox (topic, partition, id)',
  'ALTER TABLE outbox SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_cost_delay = 0)',
  // json, because the event is handed on as it is; the event itself only where no other table keeps it.
  `CREATE TABLE sent (
     slot smallint NOT NULL,
     id bigint NOT NULL,
     topic text NOT NULL,
     partition int NOT NULL,
     log_offset bigint NOT NULL,
     key text NOT NULL,
     event_id text,
     sequence bigint,
     event json,
     sent_at timestamptz NOT NULL DEFAULT clock_timestamp()
   ) PARTITION BY LIST (slot)`,
  ...slots.map((slot) => `CREATE TABLE sent_${slot} PARTITION OF sent FOR VALUES IN (${slot}) WITH (autovacuum_enabled = true)`),
  'CREATE INDEX sent_in_time ON sent (sent_at)',
  'CREATE INDEX sent_of_key ON sent (key, id) WHERE event IS NOT NULL OR event_id IS NULL',
  'CREATE TABLE topic_partitions (topic text PRIMARY KEY, partitions int NOT NULL)',
  `CREATE TABLE unsendable (
     id bigint PRIMARY KEY,
     topic text NOT NULL,
     partition int NOT NULL,
     key text NOT NULL,
     event json,
     reason text NOT NULL,
     set_aside_at timestamptz NOT NULL DEFAULT clock_timestamp(),
     answered_at timestamptz
   )`,
  'CREATE INDEX unsendable_unanswered ON unsendable (id) WHERE answered_at IS NULL',
  `CREATE TABLE reconciled_through (
     topic text NOT NULL,
     partition int NOT NULL,
     next_offset bigint NOT NULL,
     PRIMARY KEY (topic, partition)
   )`,
  'CREATE TABLE reconciled_until (one boolean PRIMARY KEY DEFAULT true CHECK (one), until timestamptz NOT NULL)',
];

/** In SQL: the slot that is written to now. */
export const slotNow = `(extract(epoch FROM clock_timestamp())::bigint / ${sentSlotSeconds} % ${sentSlots})::smallint`;
