/** The tables a service with sockets needs: run by its first migration. */
export const socketSessionTables = [
  'CREATE TABLE processes (process_id uuid PRIMARY KEY, expires_at timestamptz NOT NULL)',
  `CREATE TABLE sessions (
     session_id uuid PRIMARY KEY,
     process_id uuid NOT NULL REFERENCES processes,
     app_id text NOT NULL,
     about jsonb NOT NULL,
     opened_at timestamptz NOT NULL DEFAULT clock_timestamp()
   )`,
  'CREATE INDEX sessions_by_process ON sessions (process_id)',
];

/** For services whose tables are older: sessions count their changes. */
export const socketSessionChanges = 'ALTER TABLE sessions ADD COLUMN sequence int NOT NULL DEFAULT 1';
