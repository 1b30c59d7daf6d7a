import type { AnyEvent, AppId, WebhookBody } from '@communication-center/contracts';

/** An event as an app's log of messages keeps it. */
export interface Message {
  /** The event's: one id for all attempts, endpoints and replays. */
  messageId: string;
  appId: AppId;
  /** Its place in the log of the app; null where that is not known any more. */
  position: number | null;
  type: string;
  subject: string;
  sequence: number;
  source: string;
  dataversion: number;
  occurredAt: string;
  data: Record<string, unknown>;
  traceparent: string | null;
}

/** A message that has its place. */
export type PlacedMessage = Message & { position: number };

export function messageOf(event: AnyEvent): Message {
  return {
    messageId: event.id,
    appId: event.appid,
    position: null,
    type: event.type,
    subject: event.subject,
    sequence: event.sequence,
    source: event.source,
    dataversion: event.dataversion,
    occurredAt: event.time,
    data: event.data as Record<string, unknown>,
    traceparent: event.traceparent ?? null,
  };
}

/** About an endpoint's own deliveries: such a notice is no reason for another one. */
const notices = ['endpoint.disabled', 'message.exhausted'] as const;

/** Whether a message is a notice about an endpoint. @param endpointId of which one; of any when left out. */
export function isNotice({ type, subject }: Pick<Message, 'type' | 'subject'>, endpointId?: string): boolean {
  return notices.some((one) => one === type) && (endpointId === undefined || subject === endpointId);
}

export const presenceType = 'presence.changed';
export const isPresence = ({ type }: Pick<Message, 'type'>): boolean => type === presenceType;
export const isOfCall = ({ type }: Pick<Message, 'type'>): boolean => type.startsWith('call.');

/** @returns what is sent of a message, as text. */
export function bodyOf(message: Message): string {
  return JSON.stringify(webhookOf(message));
}

/** @returns what is told of a message: Standard Webhooks (https://www.standardwebhooks.com). */
export function webhookOf(message: Message): WebhookBody {
  const { appId, sequence, position, occurredAt, data } = message;
  const about = isOfCall(message) ? { callId: message.subject } : {};
  return {
    type: message.type,
    timestamp: occurredAt,
    data: { appId, ...about, sequence, ...(position !== null && { position }), occurredAt, ...data },
  };
}
