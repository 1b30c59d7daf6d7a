import type { IncomingHttpHeaders } from 'node:http';

/** What of a request concerns the service that answers it. Its credential does not: that is the door's to judge. */
const asked = [
  'accept',
  'accept-language',
  'content-encoding',
  'content-language',
  'content-type',
  'idempotency-key',
  'if-match',
  'if-modified-since',
  'if-none-match',
  'if-range',
  'if-unmodified-since',
  'last-event-id',
  'range',
  // The credential of what Twilio tells, which only the service that knows its secret can judge.
  'x-twilio-signature',
] as const;

/**
 * What of an answer belongs to it, as RFC 9110 tells what is of the message and what is of one connection. All else is dropped: what
 * a service says of its own connection, or of cookies, is not for the world.
 */
const answered = [
  'accept-ranges',
  'cache-control',
  'content-disposition',
  'content-encoding',
  'content-language',
  'content-length',
  'content-range',
  'content-type',
  'etag',
  'expires',
  'last-modified',
  'link',
  'location',
  'retry-after',
] as const;

/** What pages of other origins may read of an answer besides what they always may (Fetch §3.2.3). */
export const exposedHeaders =
  'accept-ranges, content-disposition, content-range, etag, link, location, ratelimit, ratelimit-policy, retry-after';

type Passed = Record<string, string | string[]>;

function pick(headers: IncomingHttpHeaders, names: readonly string[]): Passed {
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = headers[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

/** @returns the header fields of a request that are passed on. */
export const passedOn = (headers: IncomingHttpHeaders): Passed => pick(headers, asked);

/** @returns the header fields of an answer that are passed back. */
export const passedBack = (headers: IncomingHttpHeaders): Passed => pick(headers, answered);
