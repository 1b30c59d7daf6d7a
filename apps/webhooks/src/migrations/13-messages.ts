import { type Migration, sqlMigration } from '@communication-center/service';

/** As the service has it: the first byte of the digest. */
const laneOf = (appId: string) => `(('x' || substr(md5(${appId}), 1, 2))::bit(8)::int % 16)::smallint`;

/**
 * An app's messages are a log, and endpoints read it.
 *
 * - `messages`: a row for each event of an app that has an endpoint, by day of the event. Whoever writes here holds the app's row
 *   of `app_positions` until the commit, so that positions become visible in their order.
 * - `inbox`: events that were read by a replica that does not own their app's lane, until the owner gives them their places.
 * - `positions`: how far each endpoint has read. It begins at the end, whoever makes it: by trigger.
 * - `undelivered`: what did not go through: `waiting` for its next attempt, `held` behind one that is, or `failed`.
 * - `delivery_attempts`: what was tried, by day.
 */
export const messages: Migration = sqlMigration('Messages1764650000077', [
  `CREATE TABLE messages (
     message_id uuid NOT NULL,
     occurred_at timestamptz NOT NULL,
     app_id text NOT NULL,
     position bigint NOT NULL,
     type text NOT NULL,
     subject text NOT NULL,
     sequence bigint NOT NULL,
     source text NOT NULL,
     dataversion int NOT NULL,
     data json NOT NULL,
     traceparent text,
     PRIMARY KEY (message_id, occurred_at)
   ) PARTITION BY RANGE (occurred_at)`,
  'CREATE TABLE messages_rest PARTITION OF messages DEFAULT',
  'CREATE INDEX messages_rest_by_age ON messages_rest (occurred_at)',
  'CREATE INDEX messages_by_position ON messages (app_id, position)',
  'CREATE TABLE app_positions (app_id text PRIMARY KEY, last bigint NOT NULL) WITH (fillfactor = 50)',
  `CREATE TABLE inbox (
     arrival bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
     message_id uuid NOT NULL UNIQUE,
     app_id text NOT NULL,
     lane smallint NOT NULL,
     message json NOT NULL
   )`,
  'CREATE INDEX inbox_by_lane ON inbox (lane, arrival)',
  'CREATE INDEX inbox_by_app ON inbox (app_id)',
  `CREATE TABLE positions (
     endpoint_id uuid PRIMARY KEY REFERENCES endpoints ON DELETE CASCADE,
     app_id text NOT NULL,
     lane smallint NOT NULL,
     position bigint NOT NULL,
     since timestamptz NOT NULL DEFAULT clock_timestamp(),
     failing_since timestamptz
   ) WITH (fillfactor = 50)`,
  'CREATE INDEX positions_by_app ON positions (app_id)',
  'CREATE INDEX positions_by_lane ON positions (lane)',
  `CREATE TABLE undelivered (
     endpoint_id uuid NOT NULL,
     message_id uuid NOT NULL,
     app_id text NOT NULL,
     lane smallint NOT NULL,
     position bigint,
     subject text NOT NULL,
     message json NOT NULL,
     state text NOT NULL,
     made int NOT NULL,
     next_attempt_at timestamptz,
     created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
     PRIMARY KEY (endpoint_id, message_id)
   )`,
  "CREATE INDEX undelivered_due ON undelivered (endpoint_id, next_attempt_at) WHERE state = 'waiting'",
  "CREATE INDEX undelivered_waiting ON undelivered (lane, endpoint_id, next_attempt_at) WHERE state = 'waiting'",
  "CREATE INDEX undelivered_held ON undelivered (endpoint_id, subject, position) WHERE state = 'held'",
  'CREATE INDEX undelivered_by_age ON undelivered (created_at)',
  'CREATE INDEX undelivered_by_app ON undelivered (app_id)',
  'CREATE INDEX undelivered_by_position ON undelivered (endpoint_id, position)',
  `CREATE TABLE delivery_attempts (
     endpoint_id uuid NOT NULL,
     at timestamptz NOT NULL,
     message_id uuid NOT NULL,
     app_id text NOT NULL,
     position bigint,
     type text NOT NULL,
     attempt int NOT NULL,
     status int,
     error text,
     duration_ms int NOT NULL,
     PRIMARY KEY (endpoint_id, at, message_id)
   ) PARTITION BY RANGE (at)`,
  'CREATE TABLE delivery_attempts_rest PARTITION OF delivery_attempts DEFAULT',
  'CREATE INDEX delivery_attempts_rest_by_age ON delivery_attempts_rest (at)',
  'CREATE INDEX delivery_attempts_by_app ON delivery_attempts (app_id, at)',
  'CREATE INDEX delivery_attempts_again ON delivery_attempts (endpoint_id, message_id) WHERE attempt > 1',
  ...['messages', 'delivery_attempts'].map(
    (table) => `DO $$ BEGIN
      FOR ahead IN -1..3 LOOP
        EXECUTE format('CREATE TABLE %I PARTITION OF ${table} FOR VALUES FROM (%L) TO (%L)',
          '${table}_' || to_char((now() AT TIME ZONE 'UTC')::date + ahead, 'YYYYMMDD'),
          ((now() AT TIME ZONE 'UTC')::date + ahead)::timestamp AT TIME ZONE 'UTC',
          ((now() AT TIME ZONE 'UTC')::date + ahead + 1)::timestamp AT TIME ZONE 'UTC');
      END LOOP; END $$`,
  ),
  `CREATE FUNCTION begin_at_end() RETURNS trigger LANGUAGE plpgsql AS $$
   BEGIN
     INSERT INTO positions (endpoint_id, app_id, lane, position)
     SELECT NEW.endpoint_id, NEW.app_id, ${laneOf('NEW.app_id')}, coalesce((SELECT last FROM app_positions WHERE app_id = NEW.app_id), 0);
     RETURN NULL;
   END $$`,
  'CREATE TRIGGER endpoints_begin_at_end AFTER INSERT ON endpoints FOR EACH ROW EXECUTE FUNCTION begin_at_end()',
  `INSERT INTO positions (endpoint_id, app_id, lane, position)
   SELECT endpoint_id, app_id, ${laneOf('app_id')}, 0 FROM endpoints WHERE deleted_at IS NULL`,
]);
