import { createHash } from 'node:crypto';
import type { AppId } from '@communication-center/contracts';
import { ActsOnRecord, DueRows, Postgres, Report, type ReportError } from '@communication-center/service';
import { type BeforeApplicationShutdown, Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';

/** How often it is looked whether any was disabled, in milliseconds. */
const lookMs = 5000;
const atOnce = 50;

interface Disabled {
  endpoint_id: string;
  app_id: AppId;
  disabled_at: Date;
  /** As it is written, to the microsecond. */
  at: string;
  disabled_reason: string;
}

/**
 * Puts on record which endpoints the Center disabled by itself, after it did so: the log tells of it, and whoever writes to the app's contact
 * hears it there. Each is put on record until that has succeeded, under the same id, however many replicas are at it.
 */
@Injectable()
export class NoteDisabled implements OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly #loop: DueRows;

  constructor(
    private readonly database: Postgres,
    private readonly acts: ActsOnRecord,
    @Inject(Report) report: ReportError,
  ) {
    const name = 'putting on record which endpoints were disabled';
    this.#loop = new DueRows({ name, work: () => this.noteAll(), onError: report, maxPauseMs: lookMs });
  }

  onApplicationBootstrap(): void {
    this.#loop.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.#loop.stop();
  }

  /** @returns 0 where there may be more; null where there is none. @throws ProblemError `service_unavailable` while the directory does not answer. */
  async noteAll(): Promise<number | null> {
    const { rows } = await this.database.background.query<Disabled>(
      `SELECT endpoint_id, app_id, disabled_at, disabled_at::text AS at, disabled_reason FROM endpoints
       WHERE disabled_at IS NOT NULL AND deleted_at IS NULL AND disabled_reason <> 'disabled by request' AND disabled_noted IS DISTINCT FROM disabled_at
       ORDER BY disabled_at LIMIT ${atOnce}`,
    );
    for (const { endpoint_id, app_id: appId, disabled_at, at, disabled_reason } of rows) {
      const target = `${endpoint_id}: ${disabled_reason}`;
      await this.acts.noteOwn(entryIdOf(endpoint_id, disabled_at), { appId, act: 'endpoint.disabled', target });
      await this.database.background.query(
        'UPDATE endpoints SET disabled_noted = disabled_at WHERE endpoint_id = $1 AND disabled_at = $2',
        [endpoint_id, at],
      );
    }
    return rows.length === atOnce ? 0 : null;
  }
}

/** @returns a UUID of version 7 (RFC 9562 §5.7) that follows from which endpoint was disabled, and when: told twice it is one entry. */
function entryIdOf(endpointId: string, disabledAt: Date): string {
  const at = disabledAt.getTime().toString(16).padStart(12, '0');
  const rest = createHash('sha256').update(`${endpointId} ${disabledAt.toISOString()}`).digest('hex');
  return `${at.slice(0, 8)}-${at.slice(8)}-7${rest.slice(0, 3)}-a${rest.slice(3, 6)}-${rest.slice(6, 18)}`;
}
