import type { SealedColumn } from '@communication-center/service';

/** What is kept sealed with SECRETS_KEY. The owner is the one that the storages are sealed for. */
export const sealed: readonly SealedColumn[] = [
  { table: 'recording_storages', column: 'sealed', key: { storage_id: 'uuid' }, owner: "'recordings/' || app_id" },
  { table: 'broadcasts', column: 'push_sealed', key: { broadcast_id: 'uuid' }, owner: "'broadcasts/' || app_id" },
];
