import type { AppId } from '@communication-center/contracts';
import type { Sql } from '@communication-center/event-log';
import { ProblemError } from '@communication-center/service';

/** What an app may have at most: more than anybody needs, and few enough to be listed whole. */
const limits = {
  apiKeys: { most: 500, count: 'SELECT 1 FROM api_keys WHERE app_id = $1 AND revoked_at IS NULL' },
  secrets: { most: 100, count: 'SELECT 1 FROM app_secrets WHERE app_id = $1 AND revoked_at IS NULL' },
  sipAccounts: { most: 5000, count: 'SELECT 1 FROM sip_accounts WHERE app_id = $1' },
};

/** @throws ProblemError `conflict` where the app has as many of these as it may. */
export async function requireRoom(sql: Sql, appId: AppId, what: keyof typeof limits): Promise<void> {
  const { most, count } = limits[what];
  const { rows } = await sql.query<{ count: number }>(`SELECT count(*)::int AS count FROM (${count} LIMIT $2) AS live`, [appId, most]);
  if ((rows[0]?.count ?? 0) >= most) throw new ProblemError('conflict', `This app has as many of these as it may (${most}): end one first`);
}
