import { type Migration, sqlMigration } from '@communication-center/service';

/**
 * Broadcasts of calls, and where each is pushed to. `look_at` is until when whoever makes one, by its newest `run`, counts as alive; `files_until` when
 * what lies on disks of it goes, and `expires_at` when what is known of it does.
 */
export const broadcasts: Migration = sqlMigration('Broadcasts1764950000120', [
  `CREATE TABLE broadcasts (
     broadcast_id uuid PRIMARY KEY,
     call_id uuid NOT NULL,
     app_id text NOT NULL,
     state text NOT NULL DEFAULT 'starting',
     wanted text NOT NULL DEFAULT 'live',
     told int NOT NULL DEFAULT 0,
     run int NOT NULL DEFAULT 0,
     started_at timestamptz NOT NULL,
     live_at timestamptz,
     stopped_at timestamptz,
     look_at timestamptz,
     fault text,
     is_told_to_call boolean NOT NULL DEFAULT true,
     viewers int NOT NULL DEFAULT 0,
     most_viewers int NOT NULL DEFAULT 0,
     latency_ms int,
     push_id uuid,
     push_server text,
     push_sealed bytea,
     push_state text,
     push_fault text,
     push_since timestamptz,
     files_until timestamptz,
     expires_at timestamptz,
     is_erased boolean NOT NULL DEFAULT false,
     created_at timestamptz NOT NULL DEFAULT clock_timestamp()
   )`,
  'CREATE INDEX broadcasts_due ON broadcasts (look_at) WHERE look_at IS NOT NULL',
  'CREATE INDEX broadcasts_by_call ON broadcasts (call_id)',
  'CREATE INDEX broadcasts_by_app ON broadcasts (app_id, started_at DESC, broadcast_id DESC)',
  'CREATE INDEX broadcasts_with_files ON broadcasts (files_until) WHERE files_until IS NOT NULL',
  'CREATE INDEX broadcasts_expiring ON broadcasts (expires_at) WHERE expires_at IS NOT NULL',
  'CREATE INDEX broadcasts_to_tell ON broadcasts (broadcast_id) WHERE NOT is_told_to_call',
]);
