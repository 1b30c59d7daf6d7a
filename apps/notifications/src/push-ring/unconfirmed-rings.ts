import type { DeviceId } from '@communication-center/contracts';
import type { Ring, RingEnd } from '../domain/rings.js';

/** A ring at devices that have a socket open, and have not said so far that they ring. */
interface Unconfirmed {
  ring: Ring;
  devices: Set<DeviceId>;
  timer: NodeJS.Timeout;
}

const keyOf = ({ callId, userAlias }: { callId: string; userAlias: string }) => `${callId}/${userAlias}`;

export interface UnconfirmedOptions {
  /** So long, in milliseconds, a device has from the beginning of its ring. */
  afterMs: number;
  /** Whether a device said that it rings. */
  hasConfirmed: (ring: Ring, deviceId: DeviceId) => boolean;
  /** Called once for each ring at whose end of the wait there are such devices. */
  onUnconfirmed: (ring: Ring, devices: DeviceId[]) => void;
}

/**
 * Waits for devices with an open socket to say that they ring: a socket may be open that nobody is behind, as of a phone that sleeps.
 * It is held in memory alone: what a replica forgets with its life, all others know, and it learns again from the log.
 */
export class UnconfirmedRings {
  /** Of each user in a call; more than one where somebody is rung again. */
  readonly #rings = new Map<string, Unconfirmed[]>();

  constructor(private readonly options: UnconfirmedOptions) {}

  /** Whom is waited for, in how many calls. */
  get size(): number {
    return this.#rings.size;
  }

  /** Waits for devices of a ring. */
  expect(ring: Ring, devices: readonly DeviceId[], nowMs: number): void {
    const silent = devices.filter((deviceId) => !this.options.hasConfirmed(ring, deviceId));
    const known = this.#rings.get(keyOf(ring)) ?? [];
    if (silent.length === 0 || known.some((one) => one.ring.sequence === ring.sequence)) return;
    const { afterMs } = this.options;
    // Its beginning is told by the database's clock: by none it is longer than from now on.
    const leftMs = Math.min(Math.max(0, Date.parse(ring.began) + afterMs - nowMs), afterMs);
    const one: Unconfirmed = { ring, devices: new Set(silent), timer: setTimeout(() => this.#isOver(one), leftMs) };
    this.#rings.set(keyOf(ring), [...known, one]);
  }

  /** A device says that it rings, in a call of which it has heard so much. */
  confirmed({ deviceId, ...of }: { callId: string; userAlias: string; deviceId: DeviceId; sequence: number }): void {
    for (const { ring, devices } of this.#rings.get(keyOf(of)) ?? []) if (ring.sequence <= of.sequence) devices.delete(deviceId);
    this.#keep(of, ({ devices }) => devices.size > 0);
  }

  ended(end: Pick<RingEnd, 'callId' | 'userAlias' | 'sequence'>): void {
    this.#keep(end, ({ ring }) => ring.sequence > end.sequence);
  }

  stop(): void {
    for (const { ring } of [...this.#rings.values()].flat()) this.#keep(ring, () => false);
  }

  #isOver(one: Unconfirmed): void {
    this.#keep(one.ring, (other) => other !== one);
    this.options.onUnconfirmed(one.ring, [...one.devices]);
  }

  #keep(of: { callId: string; userAlias: string }, isWaitedFor: (one: Unconfirmed) => boolean): void {
    const all = this.#rings.get(keyOf(of)) ?? [];
    const left = all.filter(isWaitedFor);
    for (const one of all) if (!left.includes(one)) clearTimeout(one.timer);
    if (left.length > 0) this.#rings.set(keyOf(of), left);
    else this.#rings.delete(keyOf(of));
  }
}
