import { consumerTables, eventLogTables, outboxFunctions, outboxTables } from '@communication-center/event-log';
import { type Migration, sqlMigration } from '@communication-center/service';

export const usage: Migration = sqlMigration('Usage1764100000001', [
  ...eventLogTables,
  ...consumerTables,
  ...outboxTables,
  ...outboxFunctions,
  `CREATE TABLE calls_used (
     call_id uuid PRIMARY KEY,
     app_id text NOT NULL,
     sequence int NOT NULL,
     ended_at timestamptz,
     talk_seconds double precision
   )`,
  'CREATE INDEX calls_used_by_app ON calls_used (app_id, ended_at)',
  'CREATE INDEX calls_used_ended ON calls_used (ended_at) WHERE ended_at IS NOT NULL',
]);
