import { slotNow } from './outbox-tables.js';

/**
 * How every plan in these functions is made: once for a backend, and by index, though it be made while the tables are empty or
 * have never been looked at by ANALYZE.
 */
export const pinnedPlans =
  'SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off';

/**
 * What a later release added: a row's id is told to its writer, and rows that were sent are marked by the statement that reads
 * the next ones. Run by a migration of a service that has the others already; these go on serving replicas of the release before.
 */
export const outboxRowFunctions = [
  `CREATE OR REPLACE FUNCTION put_into_outbox(topics text[], hashes int[], keys text[], events json[])
   RETURNS TABLE (id bigint, partition int)
   LANGUAGE plpgsql ${pinnedPlans} AS $$
   #variable_conflict use_column
   BEGIN
     RETURN QUERY
     WITH put AS (
       INSERT INTO outbox (topic, partition, key, event)
       SELECT entry.topic, coalesce(entry.hash % counted.partitions, -1), entry.key, entry.event
       FROM unnest(topics, hashes, keys, events) WITH ORDINALITY AS entry(topic, hash, key, event, place)
       LEFT JOIN topic_partitions AS counted ON counted.topic = entry.topic
       ORDER BY entry.place
       RETURNING outbox.id, outbox.partition
     )
     SELECT put.id, put.partition FROM put ORDER BY put.id;
   END $$`,
  // The second statement sees what the first has done; together they are one commit.
  `CREATE OR REPLACE FUNCTION mark_and_read(
     ids bigint[], offsets bigint[], event_ids text[], sequences bigint[], keeps bool[],
     topics text[], partitions int[], floors bigint[], rows_per_lane int, bytes_per_lane float8)
   RETURNS TABLE (id bigint, topic text, partition int, key text, event json, "upTo" float8)
   LANGUAGE plpgsql ${pinnedPlans} AS $$
   BEGIN
     IF cardinality(ids) > 0 THEN
       PERFORM move_to_sent(ids, offsets, event_ids, sequences, keeps);
     END IF;
     RETURN QUERY SELECT * FROM read_lanes(topics, partitions, floors, rows_per_lane, bytes_per_lane);
   END $$`,
];

/**
 * The statements that each event passes, as functions in a service's schema: called unnamed, as a pooler in transaction mode
 * wants it, they are parsed and planned once for a connection to PostgreSQL. Run by a migration of that service, after
 * `outboxTables`; what they do is told where they are called.
 */
export const outboxFunctions = [
  `CREATE OR REPLACE FUNCTION write_outbox(topics text[], hashes int[], keys text[], events json[]) RETURNS SETOF int
   LANGUAGE plpgsql ${pinnedPlans} AS $$
   BEGIN
     RETURN QUERY
     INSERT INTO outbox (topic, partition, key, event)
     SELECT entry.topic, coalesce(entry.hash % counted.partitions, -1), entry.key, entry.event
     FROM unnest(topics, hashes, keys, events) WITH ORDINALITY AS entry(topic, hash, key, event, place)
     LEFT JOIN topic_partitions AS counted ON counted.topic = entry.topic
     ORDER BY entry.place
     RETURNING outbox.partition;
   END $$`,
  `CREATE OR REPLACE FUNCTION read_lanes(topics text[], partitions int[], floors bigint[], rows_per_lane int, bytes_per_lane float8)
   RETURNS TABLE (id bigint, topic text, partition int, key text, event json, "upTo" float8)
   LANGUAGE plpgsql STABLE ${pinnedPlans} AS $$
   #variable_conflict use_column
   BEGIN
     RETURN QUERY
     SELECT line.id, lane.topic, lane.partition, line.key, line.event, line.up_to
     FROM unnest(topics, partitions, floors) AS lane(topic, partition, floor), LATERAL (
       SELECT first.id, first.key, first.event, first.bytes, (sum(first.bytes) OVER (ORDER BY first.id))::float8 AS up_to FROM (
         SELECT outbox.id, outbox.key, outbox.event, coalesce(octet_length(outbox.event::text), 0) AS bytes FROM outbox
         WHERE outbox.topic = lane.topic AND outbox.partition = lane.partition AND outbox.id >= lane.floor
         ORDER BY outbox.id LIMIT rows_per_lane
       ) AS first
     ) AS line
     WHERE line.up_to - line.bytes < bytes_per_lane
       AND NOT EXISTS (SELECT 1 FROM outbox WHERE outbox.topic = lane.topic AND outbox.partition = -1);
   END $$`,
  `CREATE OR REPLACE FUNCTION move_to_sent(ids bigint[], offsets bigint[], event_ids text[], sequences bigint[], keeps bool[]) RETURNS void
   LANGUAGE plpgsql ${pinnedPlans} AS $$
   BEGIN
     WITH mark AS (
       SELECT * FROM unnest(ids, offsets, event_ids, sequences, keeps) AS mark(id, log_offset, event_id, sequence, kept)
     ), gone AS (
       DELETE FROM outbox USING mark WHERE outbox.id = mark.id
       RETURNING mark.*, topic, partition, key, CASE WHEN mark.kept THEN event END AS event
     )
     INSERT INTO sent (slot, id, topic, partition, log_offset, key, event_id, sequence, event)
     SELECT ${slotNow}, id, topic, partition, log_offset, key, event_id, sequence, event FROM gone;
   END $$`,
  ...outboxRowFunctions,
];
