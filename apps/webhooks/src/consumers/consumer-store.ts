import { setTimeout as sleep } from 'node:timers/promises';
import type { AppId, EndpointFilters } from '@communication-center/contracts';
import type { ConsumerBody, ConsumerView } from '@communication-center/contracts/reading-events';
import type { Sql } from '@communication-center/event-log';
import { Postgres, ProblemError, Settings } from '@communication-center/service';
import { Inject, Injectable } from '@nestjs/common';
import { readCursor, writeCursor } from '../domain/event-cursor.js';
import { seenEverywhereMs } from '../endpoints/known-endpoints.js';
import { placeOf } from '../read-events/log-places.js';
import type { WebhooksSettings } from '../settings.js';

interface ConsumerRow {
  name: string;
  event_types: string[];
  filters: EndpointFilters;
  payload_version: string;
  created_at: Date;
  position: number;
  acknowledged_at: Date | null;
  last: number;
}

/** A consumer, and where it is. */
export interface Consumer {
  eventTypes: string[];
  filters: EndpointFilters;
  payloadVersion: string;
  position: number;
}

const whole = `SELECT c.name, c.event_types, c.filters, c.payload_version, c.created_at, p.position::float8, p.acknowledged_at,
    coalesce((SELECT last FROM app_positions AS a WHERE a.app_id = c.app_id), 0)::float8 AS last
  FROM event_consumers AS c JOIN consumer_positions AS p USING (app_id, name) WHERE c.app_id = $1`;

/** Readers of an app's events that have a name, and whose place is kept here. */
@Injectable()
export class ConsumerStore {
  readonly #sql: Postgres;

  constructor(
    database: Postgres,
    @Inject(Settings) private readonly settings: Pick<WebhooksSettings, 'MAX_CONSUMERS' | 'KEEP_MESSAGES_DAYS'>,
  ) {
    this.#sql = database;
  }

  /**
   * Makes a consumer, or changes what it wants, and answers when every replica sees it: whatever happens after the answer is kept for it.
   * @throws ProblemError `conflict` where the app has as many as it may; `position_expired` or `invalid_request` for the place it is to begin at.
   */
  async save(appId: AppId, name: string, { eventTypes, filters, payloadVersion, from }: ConsumerBody): Promise<ConsumerView> {
    const isChange = await this.#sql.transaction(async (tx) => {
      // One makes a consumer of an app at a time, so that none is one too many.
      await tx.query("SELECT pg_advisory_xact_lock(hashtextextended('consumers of ' || $1, 0))", [appId]);
      const known = await this.#find(tx, appId, name);
      if (!known) await this.#requireRoom(tx, appId);
      const position = await placeOf(appId, from ?? 'end', { sql: tx, keepDays: this.settings.KEEP_MESSAGES_DAYS, field: 'from' });
      const isNews = !known || !isSame(known, { eventTypes, filters, payloadVersion });
      if (isNews)
        await tx.query(
          `INSERT INTO event_consumers AS mine (app_id, name, event_types, filters, payload_version) VALUES ($1, $2, $3, $4, $5)
           ON CONFLICT (app_id, name) DO UPDATE
           SET event_types = excluded.event_types, filters = excluded.filters, payload_version = excluded.payload_version`,
          [appId, name, eventTypes, JSON.stringify(filters), payloadVersion],
        );
      if (!known || from !== undefined)
        await tx.query(
          `INSERT INTO consumer_positions (app_id, name, position) VALUES ($1, $2, $3::float8)
           ON CONFLICT (app_id, name) DO UPDATE SET position = excluded.position`,
          [appId, name, position],
        );
      return isNews;
    });
    if (isChange) await sleep(seenEverywhereMs);
    return this.view(appId, name);
  }

  async list(appId: AppId): Promise<ConsumerView[]> {
    const { rows } = await this.#sql.query<ConsumerRow>(`${whole} ORDER BY c.name`, [appId]);
    return rows.map((row) => viewOf(appId, row));
  }

  /** @throws ProblemError `not_found`. */
  async view(appId: AppId, name: string): Promise<ConsumerView> {
    return viewOf(appId, await this.#require(appId, name));
  }

  /** @throws ProblemError `not_found`. */
  async get(appId: AppId, name: string): Promise<Consumer> {
    const { event_types: eventTypes, filters, payload_version: payloadVersion, position } = await this.#require(appId, name);
    return { eventTypes, filters, payloadVersion, position };
  }

  /**
   * Notes that all up to a place is done, for ever: the answer comes after the commit. A place before the one that is noted changes nothing.
   * @throws ProblemError `not_found`; `invalid_request` for what is no cursor of this app's events.
   */
  async acknowledge(appId: AppId, name: string, cursor: string): Promise<ConsumerView> {
    const { last } = await this.#require(appId, name);
    const read = readCursor(cursor);
    if (read?.appId !== appId || read.position > last) {
      const message = 'use the cursor of an event, or the next of a page, as this app was told it';
      throw new ProblemError('invalid_request', `cursor: ${message}`, { fields: [{ field: 'cursor', message }] });
    }
    await this.#sql.query(
      `UPDATE consumer_positions SET position = greatest(position, $3::float8::bigint), acknowledged_at = clock_timestamp()
       WHERE app_id = $1 AND name = $2`,
      [appId, name, read.position],
    );
    return this.view(appId, name);
  }

  async delete(appId: AppId, name: string): Promise<boolean> {
    const { rowCount } = await this.#sql.query('DELETE FROM event_consumers WHERE app_id = $1 AND name = $2', [appId, name]);
    return rowCount === 1;
  }

  async #require(appId: AppId, name: string): Promise<ConsumerRow> {
    const row = await this.#find(this.#sql, appId, name);
    if (!row) throw new ProblemError('not_found', 'No such consumer: PUT makes it');
    return row;
  }

  async #find(sql: Sql, appId: AppId, name: string): Promise<ConsumerRow | undefined> {
    return (await sql.query<ConsumerRow>(`${whole} AND c.name = $2`, [appId, name])).rows[0];
  }

  async #requireRoom(tx: Sql, appId: AppId): Promise<void> {
    const { rows } = await tx.query<{ count: number }>('SELECT count(*)::int AS count FROM event_consumers WHERE app_id = $1', [appId]);
    if ((rows[0]?.count ?? 0) < this.settings.MAX_CONSUMERS) return;
    throw new ProblemError('conflict', `This app has as many consumers as it may: ${this.settings.MAX_CONSUMERS}. Delete one first`);
  }
}

/** Whether nobody has to be told of a change. */
function isSame(row: ConsumerRow, wished: Omit<Consumer, 'position'>): boolean {
  const { event_types: eventTypes, filters, payload_version: payloadVersion } = row;
  return (
    JSON.stringify([eventTypes, filters, payloadVersion]) === JSON.stringify([wished.eventTypes, wished.filters, wished.payloadVersion])
  );
}

function viewOf(appId: AppId, row: ConsumerRow): ConsumerView {
  return {
    name: row.name,
    eventTypes: row.event_types,
    filters: row.filters,
    payloadVersion: row.payload_version,
    position: writeCursor({ appId, position: row.position }),
    behind: Math.max(0, row.last - row.position),
    acknowledgedAt: row.acknowledged_at?.toISOString() ?? null,
    createdAt: row.created_at.toISOString(),
  };
}
