import { erasedAppsTables, type Migration, sqlMigration } from '@communication-center/service';

/**
 * What devices measured of their media. A sample is of a device, with all its streams; `look_at` is when a call is to be told of, or asked
 * about: nothing once it was told.
 */
export const quality: Migration = sqlMigration('Quality1764900000091', [
  `CREATE TABLE quality_samples (
     call_id uuid NOT NULL,
     at timestamptz NOT NULL,
     user_alias text NOT NULL,
     device_id text NOT NULL,
     session_id uuid NOT NULL,
     measured jsonb NOT NULL
   )`,
  'CREATE INDEX quality_samples_by_call ON quality_samples (call_id, at)',
  'CREATE INDEX quality_samples_by_age ON quality_samples (at)',
  `CREATE TABLE quality_calls (
     call_id uuid PRIMARY KEY,
     app_id text NOT NULL,
     began_at timestamptz NOT NULL DEFAULT clock_timestamp(),
     look_at timestamptz,
     ended_at timestamptz,
     summary jsonb
   )`,
  'CREATE INDEX quality_calls_due ON quality_calls (look_at) WHERE look_at IS NOT NULL',
  'CREATE INDEX quality_calls_by_age ON quality_calls (began_at)',
  'CREATE INDEX quality_calls_by_app ON quality_calls (app_id)',
  ...erasedAppsTables,
  'CREATE INDEX erased_apps_by_time ON erased_apps (erased_at)',
]);
