/* A tab is the same device before and after a reload, and no other tab's: not even that of which it is a copy. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { ownDeviceId } from './device-id.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

/** The locks of one browser, held by its tabs. */
class Locks {
  readonly held = new Map<string, object>();
  of(tab: object) {
    return {
      request: async (name: string, _options: object, work: (lock: object | null) => unknown) => {
        if (this.held.has(name)) return work(null);
        this.held.set(name, tab);
        return work({});
      },
    };
  }
  close(tab: object): void {
    for (const [name, holder] of this.held) if (holder === tab) this.held.delete(name);
  }
}

/** Asks in a tab, whose page is loaded anew. @returns the id it gets, and its tab. */
async function idIn(locks: Locks | undefined, kept: Map<string, string>) {
  const tab = {};
  vi.stubGlobal('navigator', locks ? { locks: locks.of(tab) } : {});
  vi.stubGlobal('sessionStorage', {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, id: string) => kept.set(key, id),
  });
  const mine = new Set<string>();
  const asking = ownDeviceId(mine);
  await vi.advanceTimersByTimeAsync(1000);
  return { tab, id: await asking, again: await ownDeviceId(mine) };
}

test('a reload keeps the id, even when the page of before lets go of it a little later', async () => {
  const [locks, kept] = [new Locks(), new Map<string, string>()];
  const first = await idIn(locks, kept);
  expect(first.again).toBe(first.id);
  setTimeout(() => locks.close(first.tab), 200);
  expect((await idIn(locks, kept)).id).toBe(first.id);
});

test('a duplicate of a tab takes another id, and keeps that', async () => {
  const [locks, kept] = [new Locks(), new Map<string, string>()];
  const first = await idIn(locks, kept);
  const copy = new Map(kept);
  const second = await idIn(locks, copy);
  expect(second.id).not.toBe(first.id);
  locks.close(second.tab);
  expect((await idIn(locks, copy)).id).toBe(second.id);
});

test('where the platform has no locks, the kept id is taken', async () => {
  const kept = new Map<string, string>();
  const { id } = await idIn(undefined, kept);
  expect((await idIn(undefined, kept)).id).toBe(id);
});
