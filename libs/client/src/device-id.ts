const key = 'communication-center.deviceId';
/** How long a tab that is going away may still hold the id it had, in milliseconds, as in a reload. */
const goingMs = 400;
const everyMs = 50;
/** The ids of this very tab: whoever connects in it again is the same device. */
const ofThisTab = new Set<string>();

/**
 * A tab is a device of its own: what it keeps survives a reload, and is not shared with the next window. A duplicate is given a copy
 * of what its tab has kept: it finds the id in use, and takes another.
 * @param mine the ids that this tab holds.
 */
export async function ownDeviceId(mine = ofThisTab): Promise<string> {
  const store = typeof sessionStorage === 'undefined' ? undefined : sessionStorage;
  const kept = store?.getItem(key);
  if (kept && (await isOurs(kept, mine))) return kept;
  const made = globalThis.crypto.randomUUID();
  store?.setItem(key, made);
  await isOurs(made, mine);
  return made;
}

/** @returns whether no other tab has the id, which is this one's from then on. Where the platform cannot tell, it is. */
async function isOurs(id: string, mine: Set<string>): Promise<boolean> {
  const locks = typeof navigator === 'undefined' ? undefined : navigator.locks;
  if (!locks || mine.has(id)) return true;
  for (let waited = 0; ; waited += everyMs) {
    if (await hold(locks, id)) break;
    if (waited >= goingMs) return false;
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
  mine.add(id);
  return true;
}

/** @returns whether the lock was free: then it is held until the tab is gone. */
function hold(locks: LockManager, id: string): Promise<boolean> {
  return new Promise((resolve) => {
    locks
      .request(`${key} ${id}`, { ifAvailable: true }, (lock) => {
        resolve(lock !== null);
        return lock ? new Promise(() => undefined) : undefined;
      })
      // A platform that lets nobody lock anything cannot tell.
      .catch(() => resolve(true));
  });
}
