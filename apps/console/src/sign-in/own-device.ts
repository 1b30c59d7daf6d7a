import { newDeviceId } from '../words/device-names.js';

const key = 'communication-center.pageDevice';
/** A page that is reloaded lets its lock go within this time; a tab that was duplicated never does. */
const patienceMs = 500;

/**
 * @returns the id of this tab's device: the one it had before a reload, and one of its own for a tab that was duplicated, which
 * begins with a copy of what the first one keeps. Where browsers have no locks (pages without TLS), both have one.
 */
export async function ownDeviceId(): Promise<string> {
  const kept = sessionStorage.getItem(key);
  if (kept && (await isFree(kept))) return kept;
  const made = newDeviceId(navigator.userAgent, crypto.getRandomValues(new Uint8Array(8)).reduce(inHex, ''));
  sessionStorage.setItem(key, made);
  await isFree(made);
  return made;
}

const inHex = (text: string, byte: number) => text + byte.toString(16).padStart(2, '0');

/** Takes the lock of an id for as long as the page lives. @returns whether no other page has it. */
function isFree(deviceId: string): Promise<boolean> {
  if (!navigator.locks) return Promise.resolve(true);
  return new Promise((resolve) => {
    const hold = () => {
      resolve(true);
      return new Promise(() => undefined);
    };
    navigator.locks.request(`${key} ${deviceId}`, { signal: AbortSignal.timeout(patienceMs) }, hold).catch(() => resolve(false));
  });
}
