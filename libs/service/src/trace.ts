import { AsyncLocalStorage } from 'node:async_hooks';
import { randomBytes } from 'node:crypto';

const storage = new AsyncLocalStorage<string>();
const pattern = /^00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}$/;

/** @returns a W3C `traceparent` that goes on with the given one, or begins a trace. */
export function continueTrace(traceparent: unknown): string {
  const traceId = typeof traceparent === 'string' ? pattern.exec(traceparent)?.[1] : undefined;
  return `00-${traceId ?? randomBytes(16).toString('hex')}-${randomBytes(8).toString('hex')}-01`;
}

/** Runs `work` so that {@link currentTraceparent} says where it belongs. */
export function withTrace<T>(traceparent: string, work: () => T): T {
  return storage.run(traceparent, work);
}

export function currentTraceparent(): string | undefined {
  return storage.getStore();
}

export function currentTraceId(): string | undefined {
  return storage.getStore()?.slice(3, 35);
}
