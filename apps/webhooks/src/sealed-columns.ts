import type { SealedColumn } from '@communication-center/service';

/** What is kept sealed with SECRETS_KEY. The owners are those that the store seals for. */
export const sealed: readonly SealedColumn[] = [
  { table: 'endpoints', column: 'sealed_secret', key: { endpoint_id: 'uuid' }, owner: 'endpoint_id::text' },
  { table: 'endpoints', column: 'sealed_private', key: { endpoint_id: 'uuid' }, owner: "endpoint_id::text || ':private'" },
];
