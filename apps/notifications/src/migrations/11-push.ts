import { type Migration, sqlMigration } from '@communication-center/service';

/**
 * `push_registrations`: where devices are pushed to; a token is one user's at a time. `push_credentials`: with what an app pushes.
 * `live_sessions`: who has a socket open. `ring_pushes`: what is, or was, pushed to which device for which ring; `claimed_until` is
 * null where nothing is left to do, and `claims_left` says how often others may still take a row over from one that died.
 */
export const push: Migration = sqlMigration('Push1764690000079', [
  `CREATE TABLE push_registrations (
     registration_id uuid PRIMARY KEY,
     app_id text NOT NULL,
     user_alias text NOT NULL,
     device_id text NOT NULL,
     kind text NOT NULL,
     token_hash bytea NOT NULL,
     target jsonb NOT NULL,
     registered_at timestamptz NOT NULL DEFAULT clock_timestamp(),
     seen_at timestamptz NOT NULL DEFAULT clock_timestamp(),
     UNIQUE (app_id, user_alias, device_id, kind),
     UNIQUE (app_id, kind, token_hash)
   )`,
  'CREATE INDEX push_registrations_seen ON push_registrations (seen_at)',
  `CREATE TABLE push_credentials (
     app_id text NOT NULL,
     provider text NOT NULL,
     version uuid NOT NULL,
     facts jsonb NOT NULL,
     sealed bytea NOT NULL,
     fault text,
     saved_at timestamptz NOT NULL DEFAULT clock_timestamp(),
     PRIMARY KEY (app_id, provider)
   )`,
  `CREATE TABLE live_sessions (
     session_id uuid PRIMARY KEY,
     app_id text NOT NULL,
     user_alias text NOT NULL,
     device_id text NOT NULL,
     sequence int NOT NULL,
     closed_at timestamptz
   )`,
  'CREATE INDEX live_sessions_open ON live_sessions (app_id, user_alias) WHERE closed_at IS NULL',
  'CREATE INDEX live_sessions_closed ON live_sessions (closed_at) WHERE closed_at IS NOT NULL',
  `CREATE TABLE ring_pushes (
     push_id uuid PRIMARY KEY,
     call_id uuid NOT NULL,
     ring_sequence int NOT NULL,
     registration_id uuid NOT NULL,
     app_id text NOT NULL,
     user_alias text NOT NULL,
     device_id text NOT NULL,
     kind text NOT NULL,
     ring jsonb NOT NULL,
     deadline timestamptz NOT NULL,
     traceparent text,
     state text NOT NULL DEFAULT 'queued',
     reason text,
     attempts int NOT NULL DEFAULT 0,
     may_ring boolean NOT NULL DEFAULT false,
     ring_ended_at timestamptz,
     ring_end_reason text,
     stop text NOT NULL DEFAULT 'none',
     claimed_by uuid,
     claimed_until timestamptz,
     claims_left int NOT NULL DEFAULT 1,
     created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
     ended_at timestamptz,
     UNIQUE (call_id, ring_sequence, registration_id)
   )`,
  'CREATE INDEX ring_pushes_claimed ON ring_pushes (claimed_until) WHERE claimed_until IS NOT NULL',
  'CREATE INDEX ring_pushes_by_user ON ring_pushes (app_id, user_alias, created_at)',
  'CREATE INDEX ring_pushes_created ON ring_pushes (created_at)',
]);
