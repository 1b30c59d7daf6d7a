import type { SealedColumn } from '@communication-center/service';

/** What is kept sealed with SECRETS_KEY. The owner is the one that the store seals for. */
export const sealed: readonly SealedColumn[] = [
  { table: 'push_credentials', column: 'sealed', key: { app_id: 'text', provider: 'text' }, owner: "app_id || '/' || provider" },
  { table: 'channel_credentials', column: 'sealed', key: { app_id: 'text', provider: 'text' }, owner: "app_id || '/' || provider" },
];
