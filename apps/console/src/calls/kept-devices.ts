import type { MediaKind, WishedDevices } from '@communication-center/client';

const key = 'communication-center.devices';

/** @returns the microphone and the camera that were chosen last in this browser, by the ids that it gives them for this page, and whether noise is taken out. */
export function keptDevices(): WishedDevices {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(key) ?? '{}');
    return typeof kept === 'object' && kept !== null ? { ...pick(kept, 'audio'), ...pick(kept, 'video'), ...noiseOf(kept) } : {};
  } catch {
    // Where nothing may be kept, or something else is, the browser's own preference holds.
    return {};
  }
}

export function keepDevice(kind: MediaKind, deviceId: string): void {
  keep({ [kind]: deviceId });
}

export function keepNoiseSuppression(noiseSuppression: boolean): void {
  keep({ noiseSuppression });
}

function keep(chosen: WishedDevices): void {
  try {
    localStorage.setItem(key, JSON.stringify({ ...keptDevices(), ...chosen }));
  } catch {
    // It holds for this page at least.
  }
}

function noiseOf(kept: object): WishedDevices {
  return 'noiseSuppression' in kept && typeof kept.noiseSuppression === 'boolean' ? { noiseSuppression: kept.noiseSuppression } : {};
}

function pick(kept: object, kind: MediaKind): WishedDevices {
  const deviceId = (kept as Record<string, unknown>)[kind];
  return typeof deviceId === 'string' ? { [kind]: deviceId } : {};
}
