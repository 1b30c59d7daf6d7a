import type { MediaKind, WishedDevices } from '@communication-center/client';

const key = 'communication-center.devices';

/** @returns the microphone and the camera that were chosen last in this browser, by the ids that it gives them for this page. */
export function keptDevices(): WishedDevices {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(key) ?? '{}');
    return typeof kept === 'object' && kept !== null ? { ...pick(kept, 'audio'), ...pick(kept, 'video') } : {};
  } catch {
    // Where nothing may be kept, or something else is, the browser's own preference holds.
    return {};
  }
}

export function keepDevice(kind: MediaKind, deviceId: string): void {
  try {
    localStorage.setItem(key, JSON.stringify({ ...keptDevices(), [kind]: deviceId }));
  } catch {
    // It holds for this page at least.
  }
}

function pick(kept: object, kind: MediaKind): WishedDevices {
  const deviceId = (kept as Record<string, unknown>)[kind];
  return typeof deviceId === 'string' ? { [kind]: deviceId } : {};
}
