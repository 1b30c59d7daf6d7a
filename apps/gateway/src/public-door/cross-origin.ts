import type { IncomingMessage, ServerResponse } from 'node:http';
import { exposedHeaders } from './passed-headers.js';

/** Pages may keep the answer of a preflight for so long. */
const preflightSeconds = 7200;
const methods = 'GET, POST, PUT, PATCH, DELETE';
const headers = 'authorization, content-type, idempotency-key, if-match, if-none-match, last-event-id, range, traceparent';

/** @returns the origins of a setting, without their closing slashes; `*` stands for any. */
export function originsIn(setting: string): ReadonlySet<string> {
  const origins = setting.split(',').map((origin) => origin.trim().replace(/\/$/, '').toLowerCase());
  return new Set(origins.filter((origin) => origin !== ''));
}

/**
 * Whether a page may ask this door: a page of the door itself always, another one when its origin is allowed. What is not a
 * page names no origin.
 * @param request with the header fields as they came.
 */
export function mayAsk({ headers: { origin, host } }: Pick<IncomingMessage, 'headers'>, allowed: ReadonlySet<string>): boolean {
  if (origin === undefined || allowed.has('*') || allowed.has(origin.toLowerCase())) return true;
  return URL.canParse(origin) && new URL(origin).host === host?.toLowerCase();
}

/**
 * Tells a browser whether the page that asks may read the answer (Fetch §3.2, CORS). Nothing is said of credentials: no cookie
 * is ever looked at, every request shows a token of its own.
 * @returns whether the request was a preflight, which is answered by this alone.
 */
export function answerOrigin(
  request: Pick<IncomingMessage, 'headers' | 'method'>,
  response: Pick<ServerResponse, 'setHeader' | 'writeHead'>,
  isAllowed: boolean,
): boolean {
  const { origin } = request.headers;
  if (origin === undefined) return false;
  response.setHeader('vary', 'Origin');
  const preflight = request.method === 'OPTIONS' && request.headers['access-control-request-method'] !== undefined;
  if (isAllowed) {
    response.setHeader('access-control-allow-origin', origin);
    if (!preflight) response.setHeader('access-control-expose-headers', exposedHeaders);
    if (preflight) {
      response.setHeader('access-control-allow-methods', methods);
      response.setHeader('access-control-allow-headers', headers);
      response.setHeader('access-control-max-age', preflightSeconds);
    }
  }
  if (preflight) response.writeHead(204).end();
  return preflight;
}

/** Takes back what {@link answerOrigin} allowed: the page may not ask in this app's name. */
export function takeBackOrigin(response: Pick<ServerResponse, 'removeHeader'>): void {
  response.removeHeader('access-control-allow-origin');
  response.removeHeader('access-control-expose-headers');
}
