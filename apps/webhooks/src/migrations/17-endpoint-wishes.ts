import { type Migration, sqlMigration } from '@communication-center/service';

/** The first payload version: endpoints from before versions had names keep what they always got. */
const firstPayloadVersion = '2026-11-28';

/** What an endpoint may wish beside its types. A release before writes none of it, and reads what it knows. */
export const endpointWishes: Migration = sqlMigration('EndpointWishes1764700000017', [
  `ALTER TABLE endpoints
     ADD COLUMN filters jsonb NOT NULL DEFAULT '{}',
     ADD COLUMN timeout_ms int,
     ADD COLUMN rate_per_second float8,
     ADD COLUMN concurrency int,
     ADD COLUMN ordering text NOT NULL DEFAULT 'per_subject',
     ADD COLUMN payload_version text NOT NULL DEFAULT '${firstPayloadVersion}',
     ADD COLUMN body_format text NOT NULL DEFAULT 'standard_webhooks',
     ADD COLUMN sealed_private bytea NOT NULL DEFAULT ''`,
]);
