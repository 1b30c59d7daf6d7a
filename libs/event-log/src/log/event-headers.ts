import { type AnyEvent, anyEventSchema, eventLimits, jsonFault, jsonFaultMessage } from '@communication-center/contracts';
import type { IHeaders, KafkaMessage } from 'kafkajs';
import { headerOf } from './fetched-record.js';
import { isPlainEnvelope } from './plain-envelope.js';

const asNumber = new Set(['sequence', 'dataversion']);

/** Whom an event concerns: a JSON array of user aliases. No attribute of CloudEvents, since the data says the same. */
const concernedHeader = 'concerned';
/** An audience that takes more bytes is left out of the header, and stands in the data alone: it probably concerns somebody anyway. */
const longestConcerned = 1024;
/** No attribute is as long, nor are there as many: whatever writes such a header is no part of the Center. */
const longestHeader = 4096;
const mostHeaders = 64;

/** What a message says of itself before anybody looks into its data. */
export interface Glimpse {
  appid: string;
  subject: string;
  sequence: number;
  type: string | undefined;
  /** The aliases of everyone whom it concerns. */
  concerned: readonly string[];
}

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
  const concerned = concernedBy(event);
  if (concerned !== undefined) headers[concernedHeader] = concerned;
  return { key, value: Buffer.from(JSON.stringify(data)), headers };
}

/**
 * Reads an event from a message, or null from a tombstone.
 * @throws SyntaxError, RangeError or ZodError when the message is no CloudEvent, or larger in structure than any is: a deterministic failure.
 */
export function fromMessage(message: Pick<KafkaMessage, 'value' | 'headers'>): AnyEvent | null {
  if (message.value === null) return null;
  const attributes: Record<string, unknown> = {};
  const headers = Object.entries(message.headers ?? {});
  if (headers.length > mostHeaders) throw new RangeError(`${headers.length} headers: an event has ${mostHeaders} at most`);
  for (const [header, value] of headers) {
    if (!header.startsWith('ce_')) continue;
    if ((value?.length ?? 0) > longestHeader)
      throw new RangeError(`${header.slice(0, 64)}: an attribute has ${longestHeader} bytes at most`);
    const name = header.slice(3);
    const text = String(value);
    attributes[name] = asNumber.has(name) ? Number(text) : text;
  }
  const fault = jsonFault(message.value, eventLimits);
  if (fault) throw new RangeError(jsonFaultMessage(fault, eventLimits));
  const data: unknown = JSON.parse(message.value.toString('utf8'));
  if (isPlainEnvelope(attributes)) return { ...attributes, data } as AnyEvent;
  // The type-specific attributes (such as callid) ride along: the topic's own schema checks them.
  return { ...attributes, ...anyEventSchema.parse({ ...attributes, data }) };
}

/**
 * Reads of a message whom it concerns, and its place in the log, without reading its data.
 * @returns undefined for one that does not say: of an older release, with a large audience, a tombstone, or one at fault.
 */
export function glimpseOf(message: Pick<KafkaMessage, 'value' | 'headers'>): Glimpse | undefined {
  const concerned = headerOf(message, concernedHeader);
  if (message.value === null || concerned === undefined) return undefined;
  const [appid, subject, sequence] = [appIdIn(message), headerOf(message, 'ce_subject'), Number(headerOf(message, 'ce_sequence'))];
  if (appid === undefined || subject === undefined || !Number.isSafeInteger(sequence)) return undefined;
  const aliases = aliasesIn(concerned);
  return aliases && { appid, subject, sequence, type: headerOf(message, 'ce_type'), concerned: aliases };
}

/** @returns whose an event is, by its header alone; undefined for a tombstone, or where it does not say. */
export function appIdIn(message: Pick<KafkaMessage, 'value' | 'headers'>): string | undefined {
  return message.value === null ? undefined : headerOf(message, 'ce_appid');
}

/** @returns what an event is and the version of its data, by its headers alone; undefined for a tombstone, or where it does not say. */
export function kindIn(message: Pick<KafkaMessage, 'value' | 'headers'>): { type: string; dataversion: number } | undefined {
  if (message.value === null) return undefined;
  const [type, dataversion] = [headerOf(message, 'ce_type'), Number(headerOf(message, 'ce_dataversion'))];
  return type !== undefined && Number.isSafeInteger(dataversion) && dataversion > 0 ? { type, dataversion } : undefined;
}

/** @returns the header's value: of an event of a call its audience, of one of presence whose it is. */
function concernedBy({ type, data }: AnyEvent): string | undefined {
  if (typeof data !== 'object' || data === null) return undefined;
  const aliases = 'audience' in data ? data.audience : type === 'presence.changed' && 'userAlias' in data ? [data.userAlias] : undefined;
  if (!isListOfTexts(aliases)) return undefined;
  const text = JSON.stringify(aliases);
  return Buffer.byteLength(text) <= longestConcerned ? text : undefined;
}

function aliasesIn(text: string): string[] | undefined {
  try {
    const aliases: unknown = JSON.parse(text);
    return isListOfTexts(aliases) ? aliases : undefined;
  } catch {
    return undefined;
  }
}

function isListOfTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((one) => typeof one === 'string');
}
