import type { DeviceId, RingConfirmed } from '@communication-center/contracts';

/** Longer than any ring. */
const keptMs = 140_000;
/** Of rings heard of at most: beyond, the older half is forgotten, and its devices may be pushed to without need. */
const mostKept = 200_000;

/** That a device rings. */
export interface Confirmed {
  callId: string;
  userAlias: string;
  deviceId: DeviceId;
  /** Of the newest event of the call that the device had heard: what it confirms began with that, or before. */
  sequence: number;
  /** Since when, in ISO 8601, by its gateway's clock. */
  since: string;
  through: RingConfirmed['data']['through'];
}

const keyOf = ({ callId, userAlias }: { callId: string; userAlias: string }) => `${callId}/${userAlias}`;

/** Which devices rang lately: told by the devices themselves, each for itself, and maybe before the ring is heard of. */
export class ConfirmedLately {
  #rings = new Map<string, Confirmed[]>();
  #before = new Map<string, Confirmed[]>();
  #since = 0;

  note(confirmed: Confirmed, nowMs: number): void {
    if (nowMs - this.#since > keptMs || this.#rings.size >= mostKept / 2) {
      this.#before = nowMs - this.#since > 2 * keptMs ? new Map() : this.#rings;
      this.#rings = new Map();
      this.#since = nowMs;
    }
    const key = keyOf(confirmed);
    const known = this.#rings.get(key) ?? [];
    const others = known.filter(({ deviceId }) => deviceId !== confirmed.deviceId);
    const before = known.find(({ deviceId }) => deviceId === confirmed.deviceId);
    if (before && before.sequence >= confirmed.sequence) return;
    this.#rings.set(key, [...others, confirmed]);
  }

  /** @returns what a device said of a ring that began with this event of the call; undefined where it said nothing. */
  of(ring: { callId: string; userAlias: string; sequence: number }, deviceId: string): Confirmed | undefined {
    const key = keyOf(ring);
    for (const rings of [this.#rings, this.#before]) {
      const found = rings.get(key)?.find((one) => one.deviceId === deviceId && one.sequence >= ring.sequence);
      if (found) return found;
    }
    return undefined;
  }
}
