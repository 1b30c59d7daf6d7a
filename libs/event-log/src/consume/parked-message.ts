import type { IHeaders, KafkaMessage } from 'kafkajs';

/** What is kept of a message that could not be handled. */
export interface ParkedMessage {
  key: string;
  offset: string;
  value: Buffer | null;
  headers: IHeaders;
}

/** What of a message PostgreSQL can keep: its text knows no NUL. */
export function storable(text: string): string {
  return text.replaceAll('\u0000', '\ufffd');
}

/** @returns the name under which a message's key is parked. */
export function keyOf(message: Pick<KafkaMessage, 'key'>): string {
  return storable(String(message.key));
}

/** @returns a message as it is kept. */
export function toParked(message: KafkaMessage): ParkedMessage {
  const headers = Object.fromEntries(Object.entries(message.headers ?? {}).map(([name, value]) => [name, storable(String(value))]));
  return { key: keyOf(message), offset: message.offset, value: message.value, headers };
}

/** @returns the sequence its writer gave it; 0 for a tombstone. */
export function sequenceOf(headers: IHeaders): number {
  return Number(String(headers.ce_sequence ?? 0)) || 0;
}
