import { dataAs, type ReadEvent } from '@communication-center/contracts';
import { writeCursor } from './event-cursor.js';
import { type CallFacts, type Wish, wants } from './event-filter.js';
import { isOfCall, type PlacedMessage, webhookOf } from './message.js';

/** What a reader of an app's events wants of them. */
export interface ReaderWish extends Wish {
  /** Events of this call alone. */
  callId?: string | undefined;
  payloadVersion: string;
}

/** Whether a reader is told of a message. @param call what is known of the message's call, where a filter asks for it. */
export function wantsToRead(wish: ReaderWish, message: PlacedMessage, call: CallFacts | undefined): boolean {
  if (wish.callId !== undefined && !(isOfCall(message) && message.subject === wish.callId)) return false;
  return wants(wish, { type: message.type, data: message.data, call });
}

/** @returns a message as it is read: the body of a webhook in the version that the reader wants, with its id and its place. */
export function eventOf(message: PlacedMessage, payloadVersion: string): ReadEvent {
  const { type, timestamp, data } = webhookOf(message);
  const told = dataAs({ type, data }, payloadVersion) as ReadEvent['data'];
  return { id: message.messageId, cursor: writeCursor(message), type, timestamp, data: told };
}
