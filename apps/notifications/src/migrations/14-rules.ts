import { type Migration, sqlMigration } from '@communication-center/service';

/**
 * `notification_rules`, `notification_templates`: what an app has saved; null takes away one that each app has by default. `preferences`: what a user
 * wishes. `messages`: chains under way, one for each event, rule and receiver; `attempts` says how often one was taken up, `noted` how many of these somebody
 * came to an end of: what lies between were lost. `sent_notifications`: what became of what was handed over.
 * `refused_addresses`: to which nothing is sent for a while, since they were refused for good; kept as digests.
 */
export const rules: Migration = sqlMigration('Rules1764700000084', [
  `ALTER TABLE contacts ADD COLUMN phone text, ADD COLUMN time_zone text, ADD COLUMN do_not_disturb boolean, ADD COLUMN groups text[]`,
  `CREATE TABLE notification_rules (
     app_id text NOT NULL,
     rule_id text NOT NULL,
     rule jsonb,
     saved_at timestamptz NOT NULL DEFAULT clock_timestamp(),
     PRIMARY KEY (app_id, rule_id)
   )`,
  `CREATE TABLE notification_templates (
     app_id text NOT NULL,
     template_id text NOT NULL,
     template jsonb NOT NULL,
     saved_at timestamptz NOT NULL DEFAULT clock_timestamp(),
     PRIMARY KEY (app_id, template_id)
   )`,
  `CREATE TABLE preferences (
     app_id text NOT NULL,
     user_alias text NOT NULL,
     channels jsonb NOT NULL,
     saved_at timestamptz NOT NULL DEFAULT clock_timestamp(),
     PRIMARY KEY (app_id, user_alias)
   )`,
  `CREATE TABLE channel_credentials (
     app_id text NOT NULL,
     provider text NOT NULL,
     version uuid NOT NULL,
     facts jsonb NOT NULL,
     sealed bytea NOT NULL,
     saved_at timestamptz NOT NULL DEFAULT clock_timestamp(),
     PRIMARY KEY (app_id, provider)
   )`,
  `CREATE TABLE messages (
     message_id uuid PRIMARY KEY,
     app_id text NOT NULL,
     event_id text NOT NULL,
     rule_id text NOT NULL,
     receiver text NOT NULL,
     user_alias text,
     address jsonb,
     call_id uuid NOT NULL,
     sequence int NOT NULL,
     about jsonb NOT NULL,
     rule jsonb NOT NULL,
     until timestamptz NOT NULL,
     traceparent text,
     state text NOT NULL DEFAULT 'pending',
     outcome text,
     reason text,
     step int NOT NULL DEFAULT 0,
     tries int NOT NULL DEFAULT 0,
     attempts int NOT NULL DEFAULT 0,
     next_attempt_at timestamptz,
     noted int NOT NULL DEFAULT 0,
     rang boolean NOT NULL DEFAULT false,
     reached text,
     created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
     ended_at timestamptz,
     UNIQUE (event_id, rule_id, receiver)
   )`,
  "CREATE INDEX messages_due_by_app ON messages (app_id, next_attempt_at) WHERE state = 'pending'",
  "CREATE INDEX messages_by_call ON messages (call_id) WHERE state = 'pending'",
  'CREATE INDEX messages_ended ON messages (ended_at) WHERE ended_at IS NOT NULL',
  `CREATE TABLE sent_notifications (
     notification_id uuid PRIMARY KEY,
     message_id uuid NOT NULL,
     app_id text NOT NULL,
     rule_id text NOT NULL,
     channel text NOT NULL,
     call_id uuid NOT NULL,
     user_alias text,
     device_id text,
     state text NOT NULL,
     reason text,
     attempts int NOT NULL,
     sequence int NOT NULL DEFAULT 1,
     created_at timestamptz NOT NULL,
     ended_at timestamptz NOT NULL DEFAULT clock_timestamp(),
     opened_at timestamptz
   )`,
  'CREATE INDEX sent_notifications_by_call ON sent_notifications (call_id)',
  'CREATE INDEX sent_notifications_by_user ON sent_notifications (app_id, user_alias, created_at)',
  'CREATE INDEX sent_notifications_by_message ON sent_notifications (message_id)',
  'CREATE INDEX sent_notifications_ended ON sent_notifications (ended_at)',
  "CREATE INDEX sent_notifications_lately ON sent_notifications (app_id, user_alias, channel, ended_at) WHERE state = 'accepted'",
  `CREATE TABLE refused_addresses (
     app_id text NOT NULL,
     channel text NOT NULL,
     digest bytea NOT NULL,
     reason text NOT NULL,
     refused_at timestamptz NOT NULL DEFAULT clock_timestamp(),
     PRIMARY KEY (app_id, channel, digest)
   )`,
  'CREATE INDEX refused_addresses_by_time ON refused_addresses (refused_at)',
]);
