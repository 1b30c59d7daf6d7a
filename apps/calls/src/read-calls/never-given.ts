import type { NeverGiven } from '@communication-center/event-log';
import { firstIdAt, weekMs } from '../forget-calls/weeks.js';

/** Longer than a transaction may last: what was decided before has committed, or never will. */
const lagMs = 60_000;
/** Much longer than a call lasts: no event is of a call that was dialed earlier, whose week is not looked at. */
const longAgoMs = 4 * weekMs;

/**
 * Finds events in the store that are neither published nor about to be: the transaction that wrote them wrote the outbox too,
 * so there are none, unless somebody changed a table by hand.
 */
export const neverGiven: NeverGiven = async (sql, { after, until, limit }) => {
  const [from, to] = [Date.parse(after) - lagMs, Date.parse(until) - lagMs];
  const { rows } = await sql.query<{ key: string; sequence: number }>(
    `SELECT call_id AS key, version AS sequence FROM events
     WHERE call_id >= $2 AND event_id >= $3 AND event_id < $4
       AND NOT EXISTS (
         SELECT 1 FROM sent
         WHERE sent_at > $1 AND topic = 'calls.events' AND sent.event_id = events.event_id::text)
       AND NOT EXISTS (SELECT 1 FROM outbox WHERE topic = 'calls.events' AND outbox.event->>'id' = events.event_id::text)
       AND NOT EXISTS (SELECT 1 FROM unsendable WHERE topic = 'calls.events' AND unsendable.event->>'id' = events.event_id::text)
     ORDER BY event_id LIMIT $5`,
    [new Date(from - lagMs), firstIdAt(from - longAgoMs), firstIdAt(from), firstIdAt(to), limit],
  );
  return rows;
};
