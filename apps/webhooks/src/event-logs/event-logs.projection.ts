import type { AppId, DirectoryEvent } from '@communication-center/contracts';
import { ProjectEvents, type ProjectionBatch, type Sql } from '@communication-center/event-log';
import { Controller } from '@nestjs/common';

/** Answers "does this app want its events kept, whoever reads them?" */
@Controller()
export class EventLogsProjection {
  @ProjectEvents('event-logs', { topics: ['directory.events'], pace: 'steady', tables: ['event_logs'] })
  async apply({ events, tx }: ProjectionBatch<'directory.events'>): Promise<void> {
    const changed = await saveEventLogs(tx, events);
    if (changed.length > 0) await tx.query('SELECT note_apps_changed($1)', [changed]);
  }
}

interface ChosenRow {
  appId: AppId;
  sequence: number;
  isKept: boolean;
}

/** Saves what apps have chosen, of each by the newest event. Those that never chose it have no row. @returns those that chose otherwise than before. */
async function saveEventLogs(tx: Sql, events: readonly DirectoryEvent[]): Promise<AppId[]> {
  const chosen = new Map<AppId, ChosenRow>();
  for (const event of events) {
    if (event.type !== 'app.saved') continue;
    const { appid: appId, sequence, data } = event;
    if (sequence > (chosen.get(appId)?.sequence ?? 0))
      chosen.set(appId, { appId, sequence, isKept: data.options.eventLog && data.state !== 'deleted' });
  }
  if (chosen.size === 0) return [];
  const { rows } = await tx.query<{ appId: AppId }>(
    `WITH told AS (SELECT * FROM json_to_recordset($1) AS one("appId" text, sequence bigint, "isKept" boolean)),
     known AS (SELECT app_id, is_kept FROM event_logs WHERE app_id IN (SELECT "appId" FROM told)),
     saved AS (
       INSERT INTO event_logs AS mine (app_id, sequence, is_kept)
       SELECT "appId", sequence, "isKept" FROM told WHERE "isKept" OR "appId" IN (SELECT app_id FROM known) ORDER BY "appId"
       ON CONFLICT (app_id) DO UPDATE SET sequence = excluded.sequence, is_kept = excluded.is_kept WHERE mine.sequence < excluded.sequence
       RETURNING app_id, is_kept)
     SELECT saved.app_id AS "appId" FROM saved LEFT JOIN known USING (app_id) WHERE saved.is_kept IS DISTINCT FROM coalesce(known.is_kept, false)`,
    [JSON.stringify([...chosen.values()])],
  );
  return rows.map(({ appId }) => appId);
}
