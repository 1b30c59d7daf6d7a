import type { NeverGiven } from '@communication-center/event-log';

/** Longer than a transaction may last: what was decided before has committed, or never will. */
const lagSeconds = 60;

/** In SQL: the first id that an event made at a time can have. Ids of events begin with their time (UUIDv7). */
const idAt = (time: string) =>
  `(SELECT (substr(hex, 1, 8) || '-' || substr(hex, 9, 4) || '-0000-0000-000000000000')::uuid
    FROM lpad(to_hex((extract(epoch FROM ${time}) * 1000)::bigint), 12, '0') AS hex)`;

/**
 * Finds events in the store that are neither published nor about to be: the transaction that wrote them wrote the outbox too,
 * so there are none, unless somebody changed a table by hand.
 */
export const neverGiven: NeverGiven = async (sql, { after, until }) => {
  const { rows } = await sql.query<{ key: string; sequence: number }>(
    `SELECT call_id AS key, version AS sequence FROM events
     WHERE event_id >= ${idAt(`$1::timestamptz - interval '${lagSeconds} seconds'`)}
       AND event_id < ${idAt(`$2::timestamptz - interval '${lagSeconds} seconds'`)}
       AND NOT EXISTS (
         SELECT 1 FROM sent
         WHERE sent_at > $1::timestamptz - interval '${2 * lagSeconds} seconds' AND topic = 'calls.events' AND sent.event_id = events.event_id::text)
       AND NOT EXISTS (SELECT 1 FROM outbox WHERE topic = 'calls.events' AND outbox.event->>'id' = events.event_id::text)
       AND NOT EXISTS (SELECT 1 FROM unsendable WHERE topic = 'calls.events' AND unsendable.event->>'id' = events.event_id::text)
     ORDER BY event_id LIMIT 1000`,
    [after, until],
  );
  return rows;
};
