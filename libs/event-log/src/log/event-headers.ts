import { type AnyEvent, anyEventSchema } from '@communication-center/contracts';
import type { IHeaders, KafkaMessage } from 'kafkajs';

const asNumber = new Set(['sequence', 'dataversion']);

/**
 * Puts an event into Kafka's binary mode of CloudEvents: attributes in `ce_` headers, data as the JSON value.
 * @param tombstoneId by which a tombstone is found again in the log; events have ids of their own.
 */
export function toMessage(
  key: string,
  event: AnyEvent | null,
  tombstoneId?: string,
): { key: string; value: Buffer | null; headers: IHeaders } {
  if (!event) return { key, value: null, headers: tombstoneId ? { ce_id: tombstoneId } : {} };
  const { data, ...attributes } = event;
  const headers: IHeaders = { 'content-type': 'application/json' };
  for (const [name, value] of Object.entries(attributes)) if (value !== undefined) headers[`ce_${name}`] = String(value);
  return { key, value: Buffer.from(JSON.stringify(data)), headers };
}

/**
 * Reads an event from a message, or null from a tombstone.
 * @throws Error or ZodError when the message is no CloudEvent: a deterministic failure.
 */
export function fromMessage(message: Pick<KafkaMessage, 'value' | 'headers'>): AnyEvent | null {
  if (message.value === null) return null;
  const attributes: Record<string, unknown> = {};
  for (const [header, value] of Object.entries(message.headers ?? {})) {
    if (!header.startsWith('ce_')) continue;
    const name = header.slice(3);
    const text = String(value);
    attributes[name] = asNumber.has(name) ? Number(text) : text;
  }
  const data: unknown = JSON.parse(message.value.toString('utf8'));
  // The type-specific attributes (such as callid) ride along: the topic's own schema checks them.
  return { ...attributes, ...anyEventSchema.parse({ ...attributes, data }) };
}
