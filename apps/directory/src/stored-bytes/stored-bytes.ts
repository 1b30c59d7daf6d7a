import type { AppId } from '@communication-center/contracts';
import type { Sql } from '@communication-center/event-log';
import { ProblemError } from '@communication-center/service';
import { storageFull } from '../migrations/16-stored-bytes.js';

/** @returns the bytes that an app's users come to. */
export async function bytesStored(sql: Sql, appId: AppId): Promise<number> {
  const { rows } = await sql.query<{ bytes: string }>('SELECT coalesce(sum(bytes), 0) AS bytes FROM stored_bytes WHERE app_id = $1', [
    appId,
  ]);
  return Math.max(0, Number(rows[0]?.bytes ?? 0));
}

/** @throws ProblemError `storage_full` for a write that would make an app store more than it may; what else it fails with as it is. */
export async function tellingOfFullStorage<T>(write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (error) {
    if ((error as { code?: unknown }).code !== storageFull) throw error;
    throw new ProblemError('storage_full', "The users of this app come to as many bytes as they may: see the app's limits", {
      cause: error,
    });
  }
}
