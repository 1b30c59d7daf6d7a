/**
 * What this library's consumers need in a service's schema beside `eventLogTables`: run by a migration of that service.
 *
 * A shadow is built in a schema of its own, made here, so that at run time nobody needs the right to make schemas.
 */
export const consumerTables = [
  'ALTER TABLE parked_keys ALTER COLUMN dead_offset DROP NOT NULL',
  `ALTER TABLE parked_keys
     ADD COLUMN kind text NOT NULL DEFAULT 'fault',
     ADD COLUMN event_type text,
     ADD COLUMN dataversion int,
     ADD COLUMN redriven_by uuid,
     ADD COLUMN redriven_until timestamptz`,
  "CREATE INDEX parked_keys_newer ON parked_keys (consumer_group, topic, event_type, dataversion) WHERE kind = 'newer'",
  'CREATE INDEX parked_keys_parked ON parked_keys (parked_at)',
  `CREATE TABLE parked_events (
     consumer_group text NOT NULL,
     topic text NOT NULL,
     key text NOT NULL,
     source_offset bigint NOT NULL,
     value bytea,
     headers json NOT NULL,
     PRIMARY KEY (consumer_group, topic, key, source_offset)
   )`,
  `CREATE TABLE given_up (
     consumer_group text NOT NULL,
     topic text NOT NULL,
     key text NOT NULL,
     sequence bigint NOT NULL,
     given_up_at timestamptz NOT NULL DEFAULT clock_timestamp(),
     PRIMARY KEY (consumer_group, topic, key)
   )`,
  `CREATE TABLE rebuilds (
     projection text PRIMARY KEY,
     rebuild_id uuid NOT NULL,
     state text NOT NULL,
     folded bigint NOT NULL DEFAULT 0,
     to_fold bigint NOT NULL DEFAULT 0,
     error text,
     started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
     ended_at timestamptz,
     led_by uuid,
     led_until timestamptz
   )`,
  `CREATE TABLE rebuild_offsets (
     projection text NOT NULL,
     topic text NOT NULL,
     partition int NOT NULL,
     next bigint NOT NULL,
     PRIMARY KEY (projection, topic, partition)
   )`,
  `CREATE TABLE rebuild_left_out (
     projection text NOT NULL,
     topic text NOT NULL,
     key text NOT NULL,
     reason text NOT NULL,
     PRIMARY KEY (projection, topic, key)
   )`,
  `DO $$ BEGIN EXECUTE format('CREATE SCHEMA IF NOT EXISTS %I', current_schema() || '_shadow'); END $$`,
];

/** @returns the schema in which a service's projections are rebuilt. */
export function shadowOf(schema: string): string {
  return `${schema}_shadow`;
}
