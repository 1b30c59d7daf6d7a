import { v5 as uuidv5 } from 'uuid';
import type { Message } from '../domain/message.js';
import type { Endpoint } from '../endpoints/endpoint-store.js';

/** The ids of notices follow from what they are about, by this (RFC 9562 §5.5). */
const noticeNames = '6f1d9a52-6f0a-4d0b-9a57-5f0e5e6e7a01';

/** @returns what the app's other endpoints are told where a message was given up. @param now milliseconds since 1970. */
export function exhausted(endpoint: Endpoint, { messageId, type, subject }: Message, attempts: number, now: number): Message {
  return notice(endpoint, { type: 'message.exhausted', about: messageId, data: { messageId, type, subject, attempts } }, now);
}

/** @returns what they are told where an endpoint was disabled. @param failingSince since when nothing was delivered to it. */
export function disabledNotice(endpoint: Endpoint, reason: string, failingSince: number, now: number): Message {
  const data = { url: endpoint.url, reason, failingSince: new Date(failingSince).toISOString() };
  return notice(endpoint, { type: 'endpoint.disabled', about: `${failingSince}`, data }, now);
}

interface Told {
  type: string;
  about: string;
  data: Record<string, unknown>;
}

function notice({ endpointId, appId }: Endpoint, { type, about, data }: Told, now: number): Message {
  return {
    messageId: uuidv5(`${type} ${endpointId} ${about}`, noticeNames),
    appId,
    position: null,
    type,
    subject: endpointId,
    sequence: 1,
    source: '/webhooks',
    dataversion: 1,
    occurredAt: new Date(now).toISOString(),
    data: { endpointId, ...data },
    traceparent: null,
  };
}
