import type { Erasure } from '@communication-center/service';

/** Calls that one statement erases at most, with their events. */
const callsAtOnce = 200;

/** Erases calls of an app that have ended, with their events and their history. */
export const callsOfApp: Erasure = {
  table: 'call_history',
  statement: `
    WITH gone AS MATERIALIZED (
      SELECT call_id FROM call_history WHERE app_id = $1 AND status = 'ended' LIMIT ${callsAtOnce} FOR UPDATE SKIP LOCKED
    ), of_events AS (DELETE FROM events USING gone WHERE events.call_id = gone.call_id),
    of_calls AS (DELETE FROM calls USING gone WHERE calls.call_id = gone.call_id)
    DELETE FROM call_history USING gone WHERE call_history.call_id = gone.call_id`,
};

/** In SQL: erases of a history that is made anew what belonged to apps that were deleted. */
export const pruneErased = ['call_parts', 'call_history'].map(
  (table) => `DELETE FROM ${table} WHERE app_id IN (SELECT app_id FROM erased_apps)`,
);
