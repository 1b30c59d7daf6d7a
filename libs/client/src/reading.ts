import { callStateSchema, type ServerFrame, serverFrameSchema, type Told, toldSchema } from '@communication-center/contracts';

type KnownFrame = Exclude<Told<ServerFrame>, { type: 'unknown' }>;
/** A frame for this client; `unreadable` is an answer in a shape that it does not know. */
export type ReadFrame = KnownFrame | { type: 'unreadable'; id: string | number };

const frameSchema = toldSchema(serverFrameSchema);
const callSchema = toldSchema(callStateSchema);
const usualHeartbeatSeconds = 10;
/** With less, pings would be all that this device does; with more a lost socket would never be noticed, and timers overflow. */
const heartbeatSecondsWithin = { min: 0.1, max: 3600 };

/** @returns what the text says to this client; undefined for what is not for it, as frames of a newer release may be. */
export function readFrame(text: string): ReadFrame | undefined {
  const json = objectIn(text);
  if (!json) return undefined;
  const read = frameSchema.safeParse(json);
  if (read.success && read.data.type === 'connected') return { ...read.data, heartbeatSeconds: heartbeatOf(read.data.heartbeatSeconds) };
  if (read.success && read.data.type !== 'unknown') return read.data;
  const id = typeof json.id === 'string' || typeof json.id === 'number' ? json.id : undefined;
  if (json.type === 'connected') return readableConnected(json, id);
  return id === undefined ? undefined : { type: 'unreadable', id };
}

/** Whatever else changes in it, it says that the device is connected: a call that cannot be read does not undo that. */
function readableConnected(json: Record<string, unknown>, id: string | number | undefined): Told<ServerFrame & { type: 'connected' }> {
  const { heartbeatSeconds, calls, sessionId } = json;
  return {
    type: 'connected',
    id: id ?? '',
    sessionId: (typeof sessionId === 'string' ? sessionId : '') as (ServerFrame & { type: 'connected' })['sessionId'],
    heartbeatSeconds: heartbeatOf(heartbeatSeconds),
    calls: (Array.isArray(calls) ? calls : []).flatMap((call) => callSchema.safeParse(call).data ?? []),
  };
}

function heartbeatOf(seconds: unknown): number {
  const { min, max } = heartbeatSecondsWithin;
  return typeof seconds === 'number' && seconds >= min && seconds <= max ? seconds : usualHeartbeatSeconds;
}

function objectIn(text: string): Record<string, unknown> | undefined {
  try {
    const json: unknown = JSON.parse(text);
    return typeof json === 'object' && json !== null ? (json as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
