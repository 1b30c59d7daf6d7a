/** A tab is a device of its own: what it keeps survives a reload, and is not shared with the next window. */
export function keptDeviceId(): string {
  const key = 'communication-center.deviceId';
  const store = typeof sessionStorage === 'undefined' ? undefined : sessionStorage;
  const kept = store?.getItem(key);
  if (kept) return kept;
  const made = globalThis.crypto.randomUUID();
  store?.setItem(key, made);
  return made;
}
