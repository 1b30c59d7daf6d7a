import { setTimeout as sleep } from 'node:timers/promises';
import {
  type AppId,
  type EndpointBody,
  type EndpointPatch,
  type EndpointView,
  endpointLimits,
  type SecretRotation,
} from '@communication-center/contracts';
import { Rest, type Sql } from '@communication-center/event-log';
import { Postgres, ProblemError, SealedBox, Settings } from '@communication-center/service';
import { Inject, Injectable } from '@nestjs/common';
import { v7 as uuidv7 } from 'uuid';
import { placeOf } from '../read-events/log-places.js';
import type { WebhooksSettings } from '../settings.js';
import { kindOf, newSecret } from '../sign/signing-secrets.js';
import { type Endpoint, type EndpointRow, SealedParts, weightOf } from './endpoint-rows.js';
import { KnownEndpoints, seenEverywhereMs } from './known-endpoints.js';

export type { Endpoint } from './endpoint-rows.js';

/** Why an app's messages are kept: an endpoint, a consumer, or the option of the app. */
interface Reason {
  appId: AppId;
  eventTypes: readonly string[];
  endpoint?: KnownEndpoint;
}

/** One that was not deleted. */
interface KnownEndpoint extends Endpoint {
  isDisabled: boolean;
}

/** The columns that a body says as they are, each with its field. */
const plainColumns = {
  url: 'url',
  description: 'description',
  eventTypes: 'event_types',
  filters: 'filters',
  timeoutMs: 'timeout_ms',
  ratePerSecond: 'rate_per_second',
  concurrency: 'concurrency',
  ordering: 'ordering',
  payloadVersion: 'payload_version',
  bodyFormat: 'body_format',
} as const satisfies Partial<Record<keyof EndpointBody, keyof EndpointRow>>;
/** Above some 170 fetches a second they are made so many milliseconds apart: each is a commit, whatever it brought. */
const paceMs = 6;
type PlainField = keyof typeof plainColumns;
const plainFields = Object.keys(plainColumns) as PlainField[];

@Injectable()
export class EndpointStore {
  readonly #parts: SealedParts;
  readonly #known: KnownEndpoints<Reason>;

  constructor(
    private readonly database: Postgres,
    @Inject(Settings) private readonly settings: WebhooksSettings,
  ) {
    this.#parts = new SealedParts(new SealedBox(settings.SECRETS_KEY));
    this.#known = new KnownEndpoints(
      database,
      (appIds) => this.#readReasons(appIds),
      undefined,
      ({ endpoint }) => (endpoint ? weightOf(endpoint) : 1),
    );
  }

  /**
   * Makes an endpoint, and answers when every replica sees it: whatever happens after the answer is delivered.
   * @throws ProblemError `conflict` where the app has as many as it may; `position_expired` for a place that is older than what is kept.
   */
  async make(appId: AppId, body: EndpointBody, endpointId = uuidv7()): Promise<EndpointView> {
    const secret = newSecret(body.signature);
    const { headers, authentication, clientCertificate } = body;
    const sealed = [
      this.#parts.sealSecret(endpointId, secret),
      this.#parts.sealPrivate(endpointId, { earlier: [], headers, authentication, clientCertificate }),
    ];
    const columns = plainFields.map((field) => plainColumns[field]);
    const row = await this.database.transaction(async (tx) => {
      await this.#requireRoom(tx, appId);
      const { rows } = await tx.query<EndpointRow>(
        `INSERT INTO endpoints (endpoint_id, app_id, sealed_secret, sealed_private, ${columns.join(', ')})
         VALUES ($1, $2, $3, $4, ${columns.map((_, index) => `$${index + 5}`).join(', ')}) RETURNING *`,
        [endpointId, appId, ...sealed, ...plainFields.map((field) => body[field])],
      );
      if (body.from !== undefined) await this.#beginAt(tx, appId, endpointId, body.from);
      return rows[0] as EndpointRow;
    });
    await sleep(seenEverywhereMs);
    return this.#shown(row, secret);
  }

  async list(appId: AppId): Promise<EndpointView[]> {
    const { rows } = await this.database.query<EndpointRow>(
      'SELECT * FROM endpoints WHERE app_id = $1 AND deleted_at IS NULL ORDER BY created_at',
      [appId],
    );
    return rows.map((row) => this.#shown(row));
  }

  /** @throws ProblemError `not_found`. */
  async get(appId: AppId, endpointId: string): Promise<EndpointView> {
    return this.#shown(await one(this.database, appId, endpointId));
  }

  /** @returns what a delivery to it needs, also where it is disabled. @throws ProblemError `not_found`. */
  async recipient(appId: AppId, endpointId: string): Promise<Endpoint> {
    return this.#parts.toEndpoint(await one(this.database, appId, endpointId));
  }

  /**
   * Changes what is given, and answers when every replica goes by it.
   * @throws ProblemError `not_found`; `invalid_request` where credentials would be sent to another host than they were said for.
   */
  async change(appId: AppId, endpointId: string, patch: EndpointPatch): Promise<EndpointView> {
    return this.#write(appId, endpointId, (row) => {
      const before = this.#parts.openPrivate(row);
      const { headers, authentication, clientCertificate } = { ...before, ...given(patch) };
      if (before.authentication && patch.authentication === undefined) requireSameHost(row.url, patch.url);
      const sealed_private = this.#parts.sealPrivate(endpointId, { earlier: before.earlier, headers, authentication, clientCertificate });
      const plain = plainFields.flatMap((field) => (patch[field] === undefined ? [] : [[plainColumns[field], patch[field]]]));
      return { ...Object.fromEntries(plain), sealed_private };
    });
  }

  /**
   * Lets deliveries go on: from where the endpoint is, or from the place that is named.
   * @throws ProblemError `not_found`; `conflict` where it is to go on from elsewhere and is not disabled; `position_expired` for a place that
   * is older than what is kept.
   */
  async enable(appId: AppId, endpointId: string, from?: string): Promise<EndpointView> {
    return this.#write(appId, endpointId, async ({ disabled_at }, tx) => {
      const enabled = { disabled_at: null, disabled_reason: null };
      // One that was disabled because nothing went through for days is not disabled again by the first thing that does not.
      await tx.query('UPDATE positions SET failing_since = NULL WHERE endpoint_id = $1 AND failing_since IS NOT NULL', [endpointId]);
      if (from === undefined) return enabled;
      if (!disabled_at) throw new ProblemError('conflict', 'It is enabled: disable it first, or have a job replay what it is to get again');
      return { ...enabled, moved_at: await this.#moveTo(tx, appId, endpointId, from) };
    });
  }

  /** Stops deliveries in the name of its owner; one that is stopped stays as it is. @throws ProblemError `not_found`. */
  async stop(appId: AppId, endpointId: string): Promise<EndpointView> {
    return this.#write(appId, endpointId, ({ disabled_at }) =>
      disabled_at ? {} : { disabled_at: new Date(), disabled_reason: 'disabled by request' },
    );
  }

  /**
   * Gives an endpoint a new secret, shown this once; those from before sign beside it for a while.
   * @throws ProblemError `not_found`; `conflict` where too many would sign.
   */
  async rotate(appId: AppId, endpointId: string, { overlapSeconds, signature }: SecretRotation): Promise<EndpointView> {
    const now = Date.now();
    const ends = now + overlapSeconds * 1000;
    let secret = '';
    const view = await this.#write(appId, endpointId, (row) => {
      const all = this.#parts.openPrivate(row);
      const before = this.#parts.openSecret(row);
      secret = newSecret(signature ?? kindOf(before));
      const earlier = [{ text: before, until: ends }, ...all.earlier.map(({ text, until }) => ({ text, until: Math.min(until, ends) }))];
      const signing = earlier.filter(({ until }) => until > now);
      if (signing.length >= endpointLimits.secrets)
        throw new ProblemError(
          'conflict',
          `${signing.length} secrets would sign beside the new one: wait until one ends, or rotate with a shorter overlap`,
        );
      return {
        sealed_secret: this.#parts.sealSecret(endpointId, secret),
        sealed_private: this.#parts.sealPrivate(endpointId, { ...all, earlier: signing }),
      };
    });
    return kindOf(secret) === 'v1' ? { ...view, secret } : view;
  }

  /** Ends an endpoint and erases what is secret of it. Its deliveries stay on record as long as others: there may be millions. */
  async delete(appId: AppId, endpointId: string): Promise<boolean> {
    const { rowCount } = await this.database.query(
      `UPDATE endpoints SET deleted_at = now(), disabled_at = coalesce(disabled_at, now()), sealed_secret = '', sealed_private = ''
       WHERE app_id = $1 AND endpoint_id = $2 AND deleted_at IS NULL`,
      [appId, endpointId],
    );
    return rowCount === 1;
  }

  /**
   * @returns the endpoints of these apps, disabled ones among them: all whose making was acknowledged before this was asked. It may
   * be as things were half a second ago.
   */
  async of(appIds: readonly AppId[]): Promise<KnownEndpoint[]> {
    return (await this.#known.of(appIds)).flatMap(({ endpoint }) => endpoint ?? []);
  }

  /**
   * @returns of those of these apps whose messages are kept, the event types that its endpoints and consumers name; as {@link of}. An
   * app that has chosen to keep its messages is there though nothing of it names any.
   */
  async kept(appIds: readonly AppId[]): Promise<Map<AppId, string[]>> {
    const reasons = Map.groupBy(await this.#known.of(appIds), ({ appId }) => appId);
    return new Map([...reasons].map(([appId, some]) => [appId, some.flatMap(({ eventTypes }) => eventTypes)]));
  }

  /** @returns whether an app's messages are kept. Before it says no it looks anew: what is known may be half a second old. */
  async isKept(appId: AppId): Promise<boolean> {
    return (await this.kept([appId])).has(appId) || (await this.#readReasons([appId])).length > 0;
  }

  /** @returns those of {@link of} that take deliveries. For one that was stopped within the last half second no delivery is written. */
  async enabledOf(appIds: readonly AppId[]): Promise<Endpoint[]> {
    return (await this.of(appIds)).filter(({ isDisabled }) => !isDisabled);
  }

  /** @returns what lets a consumer rest while no app has an endpoint, or another reason to keep its messages, and keep a pace where much happens. */
  newRest(): Rest {
    return new Rest(() => this.#known.nobodyWaitsForMs(), paceMs);
  }

  /** @returns undefined for an endpoint that was deleted or disabled. */
  async enabled(endpointId: string): Promise<Endpoint | undefined> {
    const { rows } = await this.database.query<EndpointRow>('SELECT * FROM endpoints WHERE endpoint_id = $1 AND disabled_at IS NULL', [
      endpointId,
    ]);
    return rows[0] && this.#parts.toEndpoint(rows[0]);
  }

  /** Stops deliveries to an endpoint, and says why where its owner looks. */
  async disable(endpointId: string, reason: string): Promise<void> {
    await this.database.query(
      'UPDATE endpoints SET disabled_at = clock_timestamp(), disabled_reason = $2 WHERE endpoint_id = $1 AND disabled_at IS NULL',
      [endpointId, reason],
    );
  }

  /** In one statement: the first row, which is always there, says what is no endpoint. */
  async #readReasons(appIds: readonly AppId[]): Promise<{ appId: AppId; endpoint: Reason }[]> {
    const { rows } = await this.database.query<(EndpointRow | { endpoint_id: null }) & { others: Reason[] | null }>(
      `SELECT e.*, CASE WHEN row_number() OVER () = 1 THEN (
         SELECT json_agg(json_build_object('appId', app_id, 'eventTypes', event_types)) FROM (
           SELECT app_id, event_types FROM event_consumers WHERE app_id = ANY($1)
           UNION ALL SELECT app_id, '{}' FROM event_logs WHERE app_id = ANY($1) AND is_kept) AS other) END AS others
       FROM (SELECT) AS always LEFT JOIN endpoints AS e ON e.app_id = ANY($1) AND e.deleted_at IS NULL`,
      [appIds],
    );
    const endpoints = rows.flatMap((row) =>
      row.endpoint_id === null ? [] : [{ ...this.#parts.toEndpoint(row), isDisabled: row.disabled_at !== null }],
    );
    const reasons: Reason[] = endpoints.map((endpoint) => ({ appId: endpoint.appId, eventTypes: endpoint.eventTypes, endpoint }));
    return [...reasons, ...(rows[0]?.others ?? [])].map((endpoint) => ({ appId: endpoint.appId, endpoint }));
  }

  /** Makes a change of one endpoint out of how it is, while nobody else changes it; answers when every replica goes by it. */
  async #write(
    appId: AppId,
    endpointId: string,
    change: (row: EndpointRow, tx: Sql) => Partial<EndpointRow> | Promise<Partial<EndpointRow>>,
  ): Promise<EndpointView> {
    const row = await this.database.transaction(async (tx) => {
      const locked = await one(tx, appId, endpointId, 'FOR NO KEY UPDATE');
      const changed = Object.entries(await change(locked, tx));
      if (changed.length === 0) return locked;
      const { rows } = await tx.query<EndpointRow>(
        `UPDATE endpoints SET ${changed.map(([column], index) => `${column} = $${index + 2}`).join(', ')} WHERE endpoint_id = $1 RETURNING *`,
        [endpointId, ...changed.map(([, value]) => value)],
      );
      return rows[0] as EndpointRow;
    });
    await sleep(seenEverywhereMs);
    return this.#shown(row);
  }

  /** Has an endpoint go on from another place. @returns when: what was tried of it before counts no more. */
  async #moveTo(tx: Sql, appId: AppId, endpointId: string, from: string): Promise<Date> {
    await this.#beginAt(tx, appId, endpointId, from);
    const { rows } = await tx.query<{ at: Date }>("SELECT date_trunc('milliseconds', clock_timestamp()) AS at");
    return (rows[0] as { at: Date }).at;
  }

  /** By itself it begins at the end. @throws ProblemError `position_expired`; `invalid_request` for what is no place. */
  async #beginAt(tx: Sql, appId: AppId, endpointId: string, from: string): Promise<void> {
    const position = await placeOf(appId, from, { sql: tx, keepDays: this.settings.KEEP_MESSAGES_DAYS, field: 'from' });
    await tx.query('UPDATE positions SET position = $2::float8 WHERE endpoint_id = $1', [endpointId, position]);
  }

  /** One makes an endpoint of an app at a time, so that none is one too many. */
  async #requireRoom(tx: Sql, appId: AppId): Promise<void> {
    await tx.query("SELECT pg_advisory_xact_lock(hashtextextended('endpoints of ' || $1, 0))", [appId]);
    const { rows } = await tx.query<{ count: number }>(
      'SELECT count(*)::int AS count FROM endpoints WHERE app_id = $1 AND deleted_at IS NULL',
      [appId],
    );
    if ((rows[0]?.count ?? 0) < this.settings.MAX_ENDPOINTS) return;
    throw new ProblemError('conflict', `This app has as many endpoints as it may: ${this.settings.MAX_ENDPOINTS}. Delete one first`);
  }

  #shown(row: EndpointRow, secret?: string): EndpointView {
    const view = this.#parts.toView(row, Date.now());
    return secret !== undefined && view.signature === 'v1' ? { ...view, secret } : view;
  }
}

async function one(sql: Sql, appId: AppId, endpointId: string, lock = ''): Promise<EndpointRow> {
  const { rows } = await sql.query<EndpointRow>(
    `SELECT * FROM endpoints WHERE app_id = $1 AND endpoint_id = $2 AND deleted_at IS NULL ${lock}`,
    [appId, endpointId],
  );
  if (!rows[0]) throw new ProblemError('not_found', 'No such endpoint');
  return rows[0];
}

function given<T extends object>(patch: T): Partial<T> {
  return Object.fromEntries(Object.entries(patch).filter(([, value]) => value !== undefined)) as Partial<T>;
}

/** Credentials are shown to nobody: whoever may say where they are sent could have them shown by a host of his. */
function requireSameHost(before: string, after: string | undefined): void {
  if (after === undefined || new URL(after).origin === new URL(before).origin) return;
  const message = 'say it anew, or null, with a url of another host: those from before are not sent there';
  throw new ProblemError('invalid_request', `authentication: ${message}`, { fields: [{ field: 'authentication', message }] });
}
