import type { Call } from '@communication-center/client';

const keys = new WeakMap<Call, number>();
let made = 0;

/** @returns what names a call in the page. Its own id will not do: a dial has another before the Center has made a call of it. */
export function keyOf(call: Call): number {
  const key = keys.get(call) ?? made++;
  keys.set(call, key);
  return key;
}
