import { storedBytesByDefault } from '@communication-center/contracts';
import { pinnedPlans } from '@communication-center/event-log';
import { type Migration, sqlMigration } from '@communication-center/service';

/** SQLSTATE of a write that would make an app store more than it may. */
export const storageFull = 'CC001';

const bytesIn = (rows: string) =>
  `sum(bytes_of(${rows}.user_alias, ${rows}.name, ${rows}.picture, ${rows}.email, ${rows}.phone, ${rows}.locale, ${rows}.groups))`;
const triggerOn = (event: 'insert' | 'update' | 'delete', tables: string, changes: string) => [
  `CREATE FUNCTION count_users_${event}() RETURNS trigger LANGUAGE plpgsql AS $$
   BEGIN
     PERFORM add_stored_bytes(app_id, change) FROM (${changes} ORDER BY app_id) AS changed WHERE change <> 0;
     RETURN NULL;
   END $$`,
  `CREATE TRIGGER users_counted_${event} AFTER ${event} ON users REFERENCING ${tables} FOR EACH STATEMENT EXECUTE FUNCTION count_users_${event}()`,
];

/**
 * What the users of each app come to, counted by the database with each statement that writes them, in the one of sixteen rows of their app that is
 * this connection's: few wait for each other, and releases of before count, too. What makes it more than the app may store is refused;
 * what others are about to store is not seen, and may come on top. Columns are named one by one: what a later release adds must not make what is taken off differ from
 * what was put on. Whoever writes users waits while they are counted for the first time.
 */
export const storedBytes: Migration = sqlMigration('StoredBytes1764620000073', [
  `CREATE TABLE stored_bytes (
     app_id text NOT NULL,
     stripe smallint NOT NULL,
     bytes bigint NOT NULL,
     PRIMARY KEY (app_id, stripe)
   ) WITH (fillfactor = 50)`,
  `CREATE FUNCTION bytes_of(alias text, name text, picture text, email text, phone text, locale text, groups text[]) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
     SELECT 64::bigint + octet_length(alias) + coalesce(octet_length(name), 0) + coalesce(octet_length(picture), 0) + coalesce(octet_length(email), 0)
       + coalesce(octet_length(phone), 0) + coalesce(octet_length(locale), 0) + octet_length(array_to_string(groups, ','))
   $$`,
  `CREATE FUNCTION add_stored_bytes(app text, change numeric) RETURNS void LANGUAGE plpgsql ${pinnedPlans} AS $$
   DECLARE most bigint;
   BEGIN
     INSERT INTO stored_bytes VALUES (app, pg_backend_pid() & 15, change)
     ON CONFLICT (app_id, stripe) DO UPDATE SET bytes = stored_bytes.bytes + excluded.bytes;
     IF change > 0 THEN
       most := coalesce((SELECT (options -> 'limits' ->> 'storedBytes')::bigint FROM apps WHERE app_id = app), ${storedBytesByDefault});
       IF (SELECT sum(bytes) FROM stored_bytes WHERE app_id = app) > most THEN
         RAISE EXCEPTION 'the users of the app come to as many bytes as they may' USING ERRCODE = '${storageFull}';
       END IF;
     END IF;
   END $$`,
  ...triggerOn('insert', 'NEW TABLE AS now_are', `SELECT app_id, ${bytesIn('now_are')} AS change FROM now_are GROUP BY app_id`),
  ...triggerOn('delete', 'OLD TABLE AS were', `SELECT app_id, -${bytesIn('were')} AS change FROM were GROUP BY app_id`),
  ...triggerOn(
    'update',
    'OLD TABLE AS were NEW TABLE AS now_are',
    `SELECT app_id, sum(bytes) AS change FROM (
       SELECT app_id, ${bytesIn('now_are')} AS bytes FROM now_are GROUP BY app_id
       UNION ALL SELECT app_id, -${bytesIn('were')} FROM were GROUP BY app_id) AS both_ways GROUP BY app_id`,
  ),
  // The triggers have locked the table until the end of this transaction.
  `INSERT INTO stored_bytes SELECT app_id, 0, ${bytesIn('users')} FROM users GROUP BY app_id`,
]);
