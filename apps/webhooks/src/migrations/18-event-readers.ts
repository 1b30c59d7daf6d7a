import { pinnedPlans } from '@communication-center/event-log';
import { type Migration, sqlMigration } from '@communication-center/service';

/** Statements of which the apps are those whose readers changed; see `endpoint_changes`. */
const noted = (event: 'INSERT' | 'UPDATE' | 'DELETE') =>
  `CREATE TRIGGER event_consumers_${event.toLowerCase()} AFTER ${event} ON event_consumers
   REFERENCING ${event === 'DELETE' ? 'OLD' : 'NEW'} TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION note_endpoint_changes()`;

/**
 * Who reads an app's messages for himself, and what must be known of the log for that.
 *
 * - `event_consumers`, `consumer_positions`: readers with a name, and up to where each has acknowledged. Apart, since what a consumer
 *   wants is known to every replica by its version, and an acknowledgement is nobody else's news.
 * - `event_logs`: the option `eventLog` of apps, folded from `directory.events`.
 * - `gone_positions`: the last place of an app of which the message was dropped: a reader before it has missed something.
 * - `position_times`: up to where an app's log went at some moments, so that a time is found in it.
 */
export const eventReaders: Migration = sqlMigration('EventReaders1764800000018', [
  `CREATE TABLE event_consumers (
     app_id text NOT NULL,
     name text NOT NULL,
     event_types text[] NOT NULL,
     filters jsonb NOT NULL,
     payload_version text NOT NULL,
     created_at timestamptz NOT NULL DEFAULT now(),
     PRIMARY KEY (app_id, name)
   )`,
  noted('INSERT'),
  noted('UPDATE'),
  noted('DELETE'),
  `CREATE TABLE consumer_positions (
     app_id text NOT NULL,
     name text NOT NULL,
     position bigint NOT NULL,
     acknowledged_at timestamptz,
     PRIMARY KEY (app_id, name),
     FOREIGN KEY (app_id, name) REFERENCES event_consumers ON DELETE CASCADE
   ) WITH (fillfactor = 50)`,
  'CREATE TABLE event_logs (app_id text PRIMARY KEY, sequence bigint NOT NULL, is_kept boolean NOT NULL)',
  'CREATE INDEX event_logs_kept ON event_logs (app_id) WHERE is_kept',
  `CREATE FUNCTION note_apps_changed(apps text[]) RETURNS void LANGUAGE plpgsql AS $$
   DECLARE next bigint;
   BEGIN
     UPDATE endpoint_version SET version = version + 1 RETURNING version INTO next;
     INSERT INTO endpoint_changes (app_id, version) SELECT DISTINCT app_id, next FROM unnest(apps) AS app_id
     ON CONFLICT (app_id) DO UPDATE SET version = excluded.version;
   END $$`,
  'CREATE TABLE gone_positions (app_id text PRIMARY KEY, position bigint NOT NULL)',
  // What is of no day goes row by row. What moves into a day that was made is of yesterday at the oldest, and is not gone.
  `CREATE FUNCTION note_gone_messages() RETURNS trigger LANGUAGE plpgsql AS $$
   BEGIN
     INSERT INTO gone_positions AS mine (app_id, position)
     SELECT app_id, max(position) FROM gone WHERE occurred_at < (date_trunc('day', now() AT TIME ZONE 'UTC') - interval '1 day') AT TIME ZONE 'UTC' GROUP BY 1
     ON CONFLICT (app_id) DO UPDATE SET position = excluded.position WHERE mine.position < excluded.position;
     RETURN NULL;
   END $$`,
  `CREATE TRIGGER messages_rest_gone AFTER DELETE ON messages_rest REFERENCING OLD TABLE AS gone
   FOR EACH STATEMENT EXECUTE FUNCTION note_gone_messages()`,
  'CREATE TABLE position_times (app_id text NOT NULL, at timestamptz NOT NULL, last bigint NOT NULL, PRIMARY KEY (app_id, at))',
  'CREATE INDEX position_times_by_age ON position_times (at)',
  // Along the places, and never a whole day of one app's messages, however much of a day they are.
  `CREATE FUNCTION first_since(app text, after float8, since timestamptz) RETURNS float8 LANGUAGE plpgsql ${pinnedPlans} AS $$
   BEGIN
     RETURN (SELECT one.position::float8 FROM messages AS one
             WHERE one.app_id = app AND one.position > after::bigint AND one.occurred_at >= since ORDER BY one.position LIMIT 1);
   END $$`,
]);
