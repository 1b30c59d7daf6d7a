import type { SealedColumn } from '@communication-center/service';

/** What is kept sealed with SECRETS_KEY. Owners are those that the stores seal for. */
export const sealed: readonly SealedColumn[] = [
  { table: 'app_secrets', column: 'sealed', key: { kid: 'uuid' }, owner: 'kid::text' },
  { table: 'sip_accounts', column: 'sealed', key: { app_id: 'text', username: 'text' }, owner: "app_id || '/' || username" },
];
