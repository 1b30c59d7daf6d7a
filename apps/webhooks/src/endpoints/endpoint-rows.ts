import { X509Certificate } from 'node:crypto';
import type {
  AppId,
  ClientCertificate,
  EndpointAuthentication,
  EndpointBody,
  EndpointFilters,
  EndpointView,
} from '@communication-center/contracts';
import type { SealedBox } from '@communication-center/service';
import type { Wish } from '../domain/event-filter.js';
import type { Recipient } from '../sign/signed-request.js';
import { kindOf, publicKeyOf, type SigningSecret } from '../sign/signing-secrets.js';

export interface EndpointRow {
  endpoint_id: string;
  app_id: AppId;
  url: string;
  description: string;
  event_types: string[];
  filters: EndpointFilters;
  timeout_ms: number | null;
  rate_per_second: number | null;
  concurrency: number | null;
  ordering: EndpointBody['ordering'];
  payload_version: string;
  body_format: EndpointBody['bodyFormat'];
  sealed_secret: Buffer;
  sealed_private: Buffer;
  created_at: Date;
  disabled_at: Date | null;
  disabled_reason: string | null;
  moved_at: Date | null;
}

/** What is kept sealed of an endpoint beside its newest secret, which releases of before read by itself. */
export interface Private {
  /** Secrets from before that sign still, the newest first; `until` in milliseconds since 1970. */
  earlier: { text: string; until: number }[];
  headers: Record<string, string>;
  authentication: EndpointAuthentication;
  clientCertificate: ClientCertificate;
}

/** An endpoint as whoever delivers to it needs it. */
export interface Endpoint extends Wish, Recipient {
  endpointId: string;
  appId: AppId;
  url: string;
  clientCertificate: ClientCertificate;
  /** null for as long as the installation waits. */
  timeoutMs: number | null;
  ratePerSecond: number | null;
  concurrency: number | null;
  ordering: EndpointBody['ordering'];
  /** When it was told to go on from another place, in milliseconds since 1970; null where it never was. */
  movedAt: number | null;
}

/** @returns about how many KB an endpoint takes in memory: one with a certificate and long filters takes as much as fifty others. */
export function weightOf({ eventTypes, filters, headers, authentication, clientCertificate }: Endpoint): number {
  return 1 + Math.floor(JSON.stringify([eventTypes, filters, headers, authentication, clientCertificate]).length / 1024);
}

const nothingPrivate: Private = { earlier: [], headers: {}, authentication: null, clientCertificate: null };

/** For whom the rest is sealed: not for whom the secret is, so that neither stands for the other. */
const ownerOfPrivate = (endpointId: string) => `${endpointId}:private`;

/** Seals what is secret of endpoints, and opens it. */
export class SealedParts {
  constructor(private readonly box: SealedBox) {}

  sealSecret(endpointId: string, secret: string): Buffer {
    return this.box.seal(endpointId, secret);
  }

  openSecret({ endpoint_id, sealed_secret }: Pick<EndpointRow, 'endpoint_id' | 'sealed_secret'>): string {
    return this.box.open(endpoint_id, sealed_secret);
  }

  /** Most endpoints have nothing of the kind, and nothing is sealed of them. */
  sealPrivate(endpointId: string, all: Private): Buffer {
    const { earlier, headers, authentication, clientCertificate } = all;
    const isNothing = earlier.length === 0 && Object.keys(headers).length === 0 && !authentication && !clientCertificate;
    if (isNothing) return Buffer.alloc(0);
    return this.box.seal(ownerOfPrivate(endpointId), JSON.stringify(all));
  }

  openPrivate({ endpoint_id, sealed_private }: Pick<EndpointRow, 'endpoint_id' | 'sealed_private'>): Private {
    if (sealed_private.length === 0) return nothingPrivate;
    return { ...nothingPrivate, ...(JSON.parse(this.box.open(ownerOfPrivate(endpoint_id), sealed_private)) as Partial<Private>) };
  }

  toEndpoint(row: EndpointRow): Endpoint {
    const { earlier, ...others } = this.openPrivate(row);
    const secrets: SigningSecret[] = [{ text: this.openSecret(row), until: null }, ...earlier];
    return {
      ...others,
      secrets,
      endpointId: row.endpoint_id,
      appId: row.app_id,
      url: row.url,
      eventTypes: row.event_types,
      filters: row.filters,
      timeoutMs: row.timeout_ms,
      ratePerSecond: row.rate_per_second,
      concurrency: row.concurrency,
      ordering: row.ordering,
      movedAt: row.moved_at?.getTime() ?? null,
      payloadVersion: row.payload_version,
      bodyFormat: row.body_format,
    };
  }

  /** What may be shown of an endpoint. @param now in milliseconds since 1970. */
  toView(row: EndpointRow, now: number): EndpointView {
    const { earlier, headers, authentication, clientCertificate } = this.openPrivate(row);
    const secret = this.openSecret(row);
    const last = Math.max(...earlier.map(({ until }) => until));
    return {
      endpointId: row.endpoint_id,
      url: row.url,
      description: row.description,
      eventTypes: row.event_types,
      filters: row.filters,
      headers,
      authentication: shownAuthentication(authentication),
      clientCertificate: shownCertificate(clientCertificate),
      timeoutMs: row.timeout_ms,
      ratePerSecond: row.rate_per_second,
      concurrency: row.concurrency,
      ordering: row.ordering,
      payloadVersion: row.payload_version,
      bodyFormat: row.body_format,
      signature: kindOf(secret),
      publicKey: publicKeyOf(secret),
      earlierSecretsUntil: last > now ? new Date(last).toISOString() : null,
      disabledAt: row.disabled_at?.toISOString() ?? null,
      disabledReason: row.disabled_reason,
      createdAt: row.created_at.toISOString(),
    };
  }
}

function shownAuthentication(authentication: EndpointAuthentication): EndpointView['authentication'] {
  return authentication?.type === 'basic' ? { type: 'basic', username: authentication.username } : authentication && { type: 'bearer' };
}

function shownCertificate(kept: ClientCertificate): EndpointView['clientCertificate'] {
  if (!kept) return null;
  const { subject, fingerprint256, validToDate } = new X509Certificate(kept.certificate);
  return { subject, fingerprint256, notAfter: validToDate.toISOString(), hasServerAuthority: kept.serverAuthority !== undefined };
}
