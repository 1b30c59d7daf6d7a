import { type Migration, sqlMigration } from '@communication-center/service';
import { decisionFunctions } from '../decide-in-groups/functions.js';

/**
 * How many calls each app has at a time. The functions count in the transactions that begin and end calls, those of the release before
 * too, since they call the same ones; whoever writes calls waits while they are counted for the first time.
 */
export const liveCalls: Migration = sqlMigration('LiveCalls1764400000060', [
  ...decisionFunctions,
  // Every call that goes on has a deadline.
  `DO $$ BEGIN
     LOCK TABLE calls IN SHARE ROW EXCLUSIVE MODE;
     DELETE FROM live_calls;
     INSERT INTO live_calls (app_id, stripe, live)
     SELECT app_id, 0, count(*) FROM calls WHERE call_id IN (SELECT call_id FROM deadlines) AND ended_at IS NULL GROUP BY app_id;
   END $$`,
]);
