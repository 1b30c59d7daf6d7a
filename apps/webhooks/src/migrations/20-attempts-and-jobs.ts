import { pinnedPlans } from '@communication-center/event-log';
import { type Migration, sqlMigration } from '@communication-center/service';

/**
 * What is asked of messages and attempts, each by an index of its own; and jobs, which hand messages to an endpoint again.
 *
 * - `delivery_attempts`: what the receiver answered begins with, and when the next attempt was to be.
 * - `undelivered`: of which job a row is, how many attempts there were before it, and when it was given up.
 * - `webhook_jobs`: how far each job is. `next_at`: when a replica may take it up; one that is at it is left alone until then.
 */
export const attemptsAndJobs: Migration = sqlMigration('AttemptsAndJobs1764700000020', [
  'CREATE INDEX messages_by_time ON messages (app_id, occurred_at, position)',
  'CREATE INDEX messages_by_type ON messages (app_id, type, occurred_at, position)',
  'CREATE INDEX messages_by_subject ON messages (app_id, subject, occurred_at, position)',
  'ALTER TABLE delivery_attempts ADD COLUMN answer text, ADD COLUMN next_attempt_at timestamptz',
  'CREATE INDEX delivery_attempts_by_message ON delivery_attempts (message_id, endpoint_id, at)',
  // The one above answers what this one did.
  'DROP INDEX delivery_attempts_again',
  'CREATE INDEX delivery_attempts_failed ON delivery_attempts (endpoint_id, at) WHERE error IS NOT NULL',
  'CREATE INDEX delivery_attempts_failed_by_app ON delivery_attempts (app_id, at) WHERE error IS NOT NULL',
  `ALTER TABLE undelivered ADD COLUMN job_id uuid, ADD COLUMN earlier int NOT NULL DEFAULT 0, ADD COLUMN failed_at timestamptz`,
  'CREATE INDEX undelivered_of_job ON undelivered (job_id, state) WHERE job_id IS NOT NULL',
  'CREATE INDEX undelivered_by_state ON undelivered (endpoint_id, state, created_at, message_id)',
  "CREATE INDEX undelivered_given_up ON undelivered (endpoint_id, coalesce(failed_at, created_at), message_id) WHERE state = 'failed'",
  `CREATE TABLE webhook_jobs (
     job_id uuid PRIMARY KEY,
     app_id text NOT NULL,
     endpoint_id uuid NOT NULL,
     wish json NOT NULL,
     last bigint NOT NULL,
     state text NOT NULL DEFAULT 'running',
     reason text,
     step int NOT NULL DEFAULT 0,
     cursor json,
     is_read boolean NOT NULL DEFAULT false,
     looked bigint NOT NULL DEFAULT 0,
     queued bigint NOT NULL DEFAULT 0,
     waiting bigint NOT NULL DEFAULT 0,
     failed bigint NOT NULL DEFAULT 0,
     next_at timestamptz NOT NULL DEFAULT clock_timestamp(),
     created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
     ended_at timestamptz
   )`,
  "CREATE INDEX webhook_jobs_due ON webhook_jobs (next_at) WHERE state = 'running'",
  'CREATE INDEX webhook_jobs_by_app ON webhook_jobs (app_id, created_at)',
  'CREATE INDEX webhook_jobs_by_age ON webhook_jobs (created_at)',
  // As before, and of attempts and rows what is new of them.
  `CREATE OR REPLACE FUNCTION record_deliveries(attempts json, kept json, delivered json, freed json, disabled json, told json)
   RETURNS void LANGUAGE plpgsql ${pinnedPlans} AS $$
   BEGIN
     INSERT INTO delivery_attempts (endpoint_id, at, message_id, app_id, position, type, attempt, status, error, duration_ms, answer, next_attempt_at)
     SELECT * FROM json_to_recordset(attempts) AS one("endpointId" uuid, at timestamptz, "messageId" uuid, "appId" text, position bigint,
       type text, attempt int, status int, error text, "durationMs" int, answer text, "nextAttemptAt" timestamptz)
     ON CONFLICT DO NOTHING;
     IF kept IS NOT NULL THEN
       -- What a job that was cancelled had under way is tried no more.
       INSERT INTO undelivered AS mine (endpoint_id, message_id, app_id, lane, position, subject, message, state, made, next_attempt_at,
         job_id, earlier, failed_at)
       SELECT one."endpointId", one."messageId", one."appId", one.lane, one.position, one.subject, one.message, one.state, one.made,
              CASE WHEN one.state = 'waiting' THEN clock_timestamp() + make_interval(secs => one."delayMs" / 1000) END,
              one."jobId", coalesce(one.earlier, 0), CASE WHEN one.state = 'failed' THEN clock_timestamp() END
       FROM json_to_recordset(kept) AS one("endpointId" uuid, "messageId" uuid, "appId" text, lane smallint, position bigint, subject text,
         message json, state text, made int, "delayMs" float8, "jobId" uuid, earlier int)
       WHERE one."jobId" IS NULL OR NOT EXISTS (SELECT FROM webhook_jobs AS job WHERE job.job_id = one."jobId" AND job.state = 'cancelled')
       ON CONFLICT (endpoint_id, message_id) DO UPDATE
         SET state = excluded.state, made = excluded.made, next_attempt_at = excluded.next_attempt_at,
             failed_at = coalesce(excluded.failed_at, mine.failed_at);
     END IF;
     IF delivered IS NOT NULL THEN
       DELETE FROM undelivered USING json_to_recordset(delivered) AS one("endpointId" uuid, "messageId" uuid)
       WHERE undelivered.endpoint_id = one."endpointId" AND undelivered.message_id = one."messageId";
     END IF;
     -- The next of a subject that was held: by now it is there.
     IF freed IS NOT NULL THEN
       UPDATE undelivered SET state = 'waiting', next_attempt_at = clock_timestamp()
       FROM json_to_recordset(freed) AS one("endpointId" uuid, subject text), LATERAL (
         SELECT held.message_id FROM undelivered AS held
         WHERE held.endpoint_id = one."endpointId" AND held.subject = one.subject AND held.state = 'held' ORDER BY held.position LIMIT 1
       ) AS first
       WHERE undelivered.endpoint_id = one."endpointId" AND undelivered.message_id = first.message_id;
     END IF;
     -- Its notice is written with it, or neither.
     IF disabled IS NOT NULL THEN
       WITH ended AS (
         UPDATE endpoints SET disabled_at = clock_timestamp(), disabled_reason = one.reason
         FROM json_to_recordset(disabled) AS one("endpointId" uuid, reason text, notice json)
         WHERE endpoints.endpoint_id = one."endpointId" AND endpoints.disabled_at IS NULL RETURNING one.notice)
       SELECT json_agg(ended.notice) INTO disabled FROM ended;
       IF disabled IS NOT NULL THEN PERFORM put_into_inbox(disabled); END IF;
     END IF;
     IF told IS NOT NULL THEN PERFORM put_into_inbox(told); END IF;
   END $$`,
]);
