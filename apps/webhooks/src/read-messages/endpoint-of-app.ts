import type { AppId } from '@communication-center/contracts';
import type { Sql } from '@communication-center/event-log';
import { ProblemError } from '@communication-center/service';

/** @throws ProblemError `not_found` unless an app has, or had, an endpoint. */
export async function requireEndpoint(sql: Sql, appId: AppId, endpointId: string): Promise<void> {
  const { rows } = await sql.query('SELECT FROM endpoints WHERE app_id = $1 AND endpoint_id = $2', [appId, endpointId]);
  if (rows.length === 0) throw new ProblemError('not_found', 'No such endpoint');
}
