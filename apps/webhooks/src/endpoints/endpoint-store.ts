import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AppId, EndpointBody, EndpointView } from '@communication-center/contracts';
import { Rest } from '@communication-center/event-log';
import { Postgres, ProblemError, SealedBox, Settings } from '@communication-center/service';
import { Inject, Injectable } from '@nestjs/common';
import { v7 as uuidv7 } from 'uuid';
import type { WebhooksSettings } from '../settings.js';
import { KnownEndpoints, seenEverywhereMs } from './known-endpoints.js';

interface EndpointRow {
  endpoint_id: string;
  app_id: AppId;
  url: string;
  description: string;
  event_types: string[];
  sealed_secret: Buffer;
  created_at: Date;
  disabled_at: Date | null;
  disabled_reason: string | null;
}

export interface Endpoint {
  endpointId: string;
  appId: AppId;
  url: string;
  eventTypes: string[];
  /** whsec_…, as Standard Webhooks writes it. */
  secret: string;
}

const toView = (row: EndpointRow): EndpointView => ({
  endpointId: row.endpoint_id,
  url: row.url,
  description: row.description,
  eventTypes: row.event_types,
  disabledAt: row.disabled_at?.toISOString() ?? null,
  disabledReason: row.disabled_reason,
  createdAt: row.created_at.toISOString(),
});

@Injectable()
export class EndpointStore {
  readonly #box: SealedBox;
  readonly #known: KnownEndpoints<Endpoint>;

  constructor(
    private readonly database: Postgres,
    @Inject(Settings) private readonly settings: WebhooksSettings,
  ) {
    this.#box = new SealedBox(settings.SECRETS_KEY);
    this.#known = new KnownEndpoints(database, (appIds) => this.#readEnabled(appIds));
  }

  /**
   * Makes an endpoint, and answers when every replica sees it: whatever happens after the answer is delivered.
   * @throws ProblemError `conflict` where the app has as many as it may.
   */
  async make(appId: AppId, body: EndpointBody): Promise<EndpointView> {
    await this.#requireRoom(appId);
    const endpointId = uuidv7();
    const secret = `whsec_${randomBytes(32).toString('base64')}`;
    const { rows } = await this.database.query<EndpointRow>(
      'INSERT INTO endpoints (endpoint_id, app_id, url, description, event_types, sealed_secret) VALUES ($1, $2, $3, $4, $5, $6) RETURNING *',
      [endpointId, appId, body.url, body.description, body.eventTypes, this.#box.seal(endpointId, secret)],
    );
    await sleep(seenEverywhereMs);
    return { ...toView(rows[0] as EndpointRow), secret };
  }

  async list(appId: AppId): Promise<EndpointView[]> {
    const { rows } = await this.database.query<EndpointRow>(
      'SELECT * FROM endpoints WHERE app_id = $1 AND deleted_at IS NULL ORDER BY created_at',
      [appId],
    );
    return rows.map(toView);
  }

  /** Ends an endpoint and erases its secret. Its deliveries stay on record as long as others: there may be millions. */
  async delete(appId: AppId, endpointId: string): Promise<boolean> {
    const { rowCount } = await this.database.query(
      `UPDATE endpoints SET deleted_at = now(), disabled_at = coalesce(disabled_at, now()), sealed_secret = ''
       WHERE app_id = $1 AND endpoint_id = $2 AND deleted_at IS NULL`,
      [appId, endpointId],
    );
    return rowCount === 1;
  }

  /**
   * @returns the endpoints of these apps that take deliveries: all whose making was acknowledged before this was asked. One that
   * was stopped within the last half second may be among them; no delivery is written for it.
   */
  async enabledOf(appIds: readonly AppId[]): Promise<Endpoint[]> {
    return this.#known.of(appIds);
  }

  /** @returns what lets a consumer rest while no app has an endpoint. */
  newRest(): Rest {
    return new Rest(() => this.#known.nobodyWaitsForMs());
  }

  async #readEnabled(appIds: readonly AppId[]): Promise<{ appId: AppId; endpoint: Endpoint }[]> {
    const { rows } = await this.database.query<EndpointRow>(
      'SELECT * FROM endpoints WHERE app_id = ANY($1) AND disabled_at IS NULL AND deleted_at IS NULL',
      [appIds],
    );
    return rows.map((row) => ({ appId: row.app_id, endpoint: this.#toEndpoint(row) }));
  }

  /** @returns undefined for an endpoint that was deleted or disabled. */
  async enabled(endpointId: string): Promise<Endpoint | undefined> {
    const { rows } = await this.database.query<EndpointRow>('SELECT * FROM endpoints WHERE endpoint_id = $1 AND disabled_at IS NULL', [
      endpointId,
    ]);
    return rows[0] && this.#toEndpoint(rows[0]);
  }

  /** Stops deliveries to an endpoint, and says why where its owner looks. */
  async disable(endpointId: string, reason: string): Promise<void> {
    await this.database.query(
      'UPDATE endpoints SET disabled_at = clock_timestamp(), disabled_reason = $2 WHERE endpoint_id = $1 AND disabled_at IS NULL',
      [endpointId, reason],
    );
  }

  async #requireRoom(appId: AppId): Promise<void> {
    const { rows } = await this.database.query<{ count: number }>(
      'SELECT count(*)::int AS count FROM endpoints WHERE app_id = $1 AND deleted_at IS NULL',
      [appId],
    );
    if ((rows[0]?.count ?? 0) < this.settings.MAX_ENDPOINTS) return;
    throw new ProblemError('conflict', `This app has as many endpoints as it may: ${this.settings.MAX_ENDPOINTS}. Delete one first`);
  }

  #toEndpoint(row: EndpointRow): Endpoint {
    return {
      endpointId: row.endpoint_id,
      appId: row.app_id,
      url: row.url,
      eventTypes: row.event_types,
      secret: this.#box.open(row.endpoint_id, row.sealed_secret),
    };
  }
}
