import { AsyncLocalStorage } from 'node:async_hooks';
import { randomBytes } from 'node:crypto';

/** What some work is about, as every log line tells it that the work writes. */
export interface About {
  appId?: string | undefined;
  callId?: string | undefined;
  /** The code of the problem it ended with. */
  problem?: string | undefined;
}

/** What an event of the log says of where it belongs. */
export interface Traceable {
  traceparent?: string | undefined;
  appid?: string | undefined;
  callid?: string | undefined;
}

interface Context {
  traceparent: string;
  /** Whether the trace began here: then nobody has told of a span that this is a part of. */
  isRoot?: boolean;
  /** The traces of all that is worked on together, where they are several. */
  traceIds?: readonly string[];
  /** Shared by what goes on within: what a part learns, the lines of the whole tell. */
  about: About;
}

const storage = new AsyncLocalStorage<Context>();
const pattern = /^00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}$/;

/** @returns the trace of a W3C `traceparent`; undefined for what is none. */
export function traceIdOf(traceparent: unknown): string | undefined {
  return typeof traceparent === 'string' ? pattern.exec(traceparent)?.[1] : undefined;
}

/** @returns a W3C `traceparent` that goes on with the given one, or begins a trace. */
export function continueTrace(traceparent?: unknown): string {
  return `00-${traceIdOf(traceparent) ?? randomHex(16)}-${randomHex(8)}-01`;
}

/** Asked of the system by the thousand: each frame, event and request takes some. */
let random = Buffer.alloc(0);
let used = 0;

function randomHex(bytes: number): string {
  if (used + bytes > random.length) {
    random = randomBytes(4096);
    used = 0;
  }
  used += bytes;
  return random.toString('hex', used - bytes, used);
}

/** Runs `work` so that {@link currentTraceparent} says where it belongs, and its log lines what it is about. */
export function withTrace<T>(traceparent: string, work: () => T, about: About = {}): T {
  return storage.run({ traceparent, about }, work);
}

/** Runs `work` as a trace of its own. */
export function inNewTrace<T>(work: () => T, about: About = {}): T {
  return storage.run({ traceparent: continueTrace(), isRoot: true, about }, work);
}

/** Runs `work` as a part of the work under way, which tells what both are about. */
export function withinTrace<T>(traceparent: string, work: () => T): T {
  return storage.run({ about: {}, ...storage.getStore(), traceparent, isRoot: false }, work);
}

/**
 * Runs what events bring about in the trace they were written in. Those of several traces are worked on in one of its own, and
 * log lines name them all.
 */
export function resumeTrace<T>(events: readonly Traceable[], work: () => T): T {
  const [first] = events;
  // As a rule it is one, by the thousand.
  if (first && events.length === 1) return withTrace(continueTrace(first.traceparent), work, { appId: first.appid, callId: first.callid });
  const traceIds = new Set(events.flatMap(({ traceparent }) => traceIdOf(traceparent) ?? []));
  const about = { appId: onlyOne(events.map(({ appid }) => appid)), callId: onlyOne(events.map(({ callid }) => callid)) };
  if (traceIds.size > 1) return storage.run({ traceparent: continueTrace(), traceIds: [...traceIds], about }, work);
  return withTrace(continueTrace(events.find(({ traceparent }) => traceIdOf(traceparent))?.traceparent), work, about);
}

/** Tells what the work under way is about, once that is known. */
export function noteInTrace(about: About): void {
  const context = storage.getStore();
  // What is not known here may be known from elsewhere.
  for (const [name, value] of Object.entries(about)) if (context && value !== undefined) context.about[name as keyof About] = value;
}

export function currentTraceparent(): string | undefined {
  return storage.getStore()?.traceparent;
}

export function currentTraceId(): string | undefined {
  return traceIdOf(currentTraceparent());
}

/** @returns what a span of the work under way is a part of. */
export function currentParent(): { parent?: string; traceId?: string | undefined } {
  const context = storage.getStore();
  if (!context) return {};
  return context.isRoot ? { traceId: traceIdOf(context.traceparent) } : { parent: context.traceparent };
}

/** @returns the fields of a log line that tell what it belongs to. */
export function traceFields(): object {
  const context = storage.getStore();
  if (!context) return {};
  const { traceparent, traceIds, about } = context;
  return { traceId: traceIdOf(traceparent), ...(traceIds && { traceIds }), ...about };
}

function onlyOne(names: readonly (string | undefined)[]): string | undefined {
  const [first] = names;
  return names.every((name) => name === first) ? first : undefined;
}
