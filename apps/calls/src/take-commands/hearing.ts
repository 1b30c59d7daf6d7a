import { AsyncLocalStorage } from 'node:async_hooks';
import type { CallEvent } from '@communication-center/contracts';

type Hear = (events: readonly CallEvent[]) => void;

const storage = new AsyncLocalStorage<Hear>();

/** Runs `work` so that `hear` is told what its commands have brought about, each time once that is committed and before they are replied to. */
export function hearing<T>(hear: Hear, work: () => T): T {
  return storage.run(hear, work);
}

/** @returns who is told what commands that are asked for here bring about. */
export function currentHearer(): Hear | undefined {
  return storage.getStore();
}
