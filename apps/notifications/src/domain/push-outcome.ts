/** What a provider said of one push. */
export type PushOutcome =
  | { outcome: 'accepted' }
  /** The token is of nobody any more, since then where the provider says so. */
  | { outcome: 'dead'; reason: string; since?: Date }
  /** Asking again would bring the same answer: because of the credentials, or of this push alone. */
  | { outcome: 'refused'; reason: string; isOfCredentials: boolean }
  /** Another try may fare better. Where no answer came, the push may have arrived all the same. */
  | { outcome: 'later'; reason: string; retryAfterMs?: number; mayHaveArrived: boolean };

/** How Apple answers. */
export interface ApnsAnswer {
  /** HTTP status; undefined where no answer came. */
  status?: number | undefined;
  reason?: string | undefined;
  /** In milliseconds since 1970, with 410. */
  timestamp?: number | undefined;
  /** What went wrong without an answer. */
  error?: string | undefined;
}

const ofApnsCredentials = new Set([
  'BadCertificate',
  'BadCertificateEnvironment',
  'BadTopic',
  'Forbidden',
  'InvalidProviderToken',
  'MissingProviderToken',
  'MissingTopic',
  'TopicDisallowed',
]);

/** https://developer.apple.com/documentation/usernotifications/handling-notification-responses-from-apns */
export function apnsOutcome({ status, reason = '', timestamp, error }: ApnsAnswer): PushOutcome {
  if (status === undefined) {
    // Said before anything is sent: of a stream that was never begun nothing arrives.
    const wasSent = !/GOAWAY|ECONNREFUSED|ENOTFOUND|EAI_AGAIN|session is either closed|REFUSED_STREAM/.test(error ?? '');
    return { outcome: 'later', reason: error ?? 'no answer', mayHaveArrived: wasSent };
  }
  if (status === 200) return { outcome: 'accepted' };
  const said = `${status} ${reason}`.trim();
  if (status === 410) return { outcome: 'dead', reason: said, ...(timestamp !== undefined && { since: new Date(timestamp) }) };
  if (status === 429 || status >= 500 || reason === 'ExpiredProviderToken')
    return { outcome: 'later', reason: said, mayHaveArrived: false };
  // BadDeviceToken is no proof that a token is dead: one of the other environment is answered so.
  return { outcome: 'refused', reason: said, isOfCredentials: status === 403 || ofApnsCredentials.has(reason) };
}

/** How Firebase answers, as its library says it: an error code such as `messaging/registration-token-not-registered`. */
export interface FcmAnswer {
  code: string;
  message: string;
  status?: number | undefined;
  retryAfterMs?: number | undefined;
}

/** https://firebase.google.com/docs/cloud-messaging/error-codes */
export function fcmOutcome({ code, message, status, retryAfterMs }: FcmAnswer): PushOutcome {
  const reason = `${status ?? 'no answer'} ${code}`;
  const later = { outcome: 'later' as const, reason, ...(retryAfterMs !== undefined && { retryAfterMs }) };
  if (code === 'messaging/registration-token-not-registered') return { outcome: 'dead', reason };
  if (code === 'app/invalid-credential') return credentialsSaid(`${reason}: ${message}`);
  if (status === undefined) return { ...later, mayHaveArrived: true };
  if (status === 429 || status >= 500) return { ...later, mayHaveArrived: false };
  return { outcome: 'refused', reason, isOfCredentials: status === 401 || status === 403 };
}

/** Where Google's own answer to the credentials did not come, they may be right. */
function credentialsSaid(reason: string): PushOutcome {
  const isRefused = /invalid_grant|invalid_client|unauthorized_client|Invalid JWT|account not found/i.test(reason);
  const short = reason.slice(0, 300);
  return isRefused
    ? { outcome: 'refused', reason: short, isOfCredentials: true }
    : { outcome: 'later', reason: short, mayHaveArrived: false };
}

/** RFC 8030 §5: what the push service of a browser answers. */
export function webPushOutcome(status: number, retryAfterMs: number | null): PushOutcome {
  const reason = `answered ${status}`;
  if (status >= 200 && status < 300) return { outcome: 'accepted' };
  if (status === 404 || status === 410) return { outcome: 'dead', reason };
  if (status === 429 || status >= 500)
    return { outcome: 'later', reason, mayHaveArrived: false, ...(retryAfterMs !== null && { retryAfterMs }) };
  return { outcome: 'refused', reason, isOfCredentials: status === 401 || status === 403 };
}

/** @returns milliseconds a `Retry-After` asks for (RFC 9110 §10.2.3): seconds, or a date; null for none. */
export function parseRetryAfter(text: string | undefined, nowMs: number): number | null {
  if (!text) return null;
  const seconds = /^\d+$/.test(text) ? Number(text) : undefined;
  const ms = seconds === undefined ? Date.parse(text) - nowMs : seconds * 1000;
  return Number.isFinite(ms) ? Math.max(0, ms) : null;
}
