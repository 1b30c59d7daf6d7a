import type { AppId } from '@communication-center/contracts';
import type { Ring, RingEnd } from '../domain/rings.js';

const keyOf = ({ callId, userAlias }: { callId: string; userAlias: string }) => `${callId}/${userAlias}`;

/** What waits of one app, in the order in which it came. What is over is passed over when its turn comes. */
class OfApp {
  readonly #waiting = new Map<string, Ring[]>();
  #queue: Ring[] = [];
  #next = 0;
  size = 0;

  add(ring: Ring): void {
    this.#waiting.set(keyOf(ring), [...(this.#waiting.get(keyOf(ring)) ?? []), ring]);
    this.#queue.push(ring);
    this.size += 1;
  }

  /** @returns how many are over. */
  ended(end: Pick<RingEnd, 'callId' | 'userAlias' | 'sequence'>): number {
    return this.#keep(keyOf(end), ({ sequence }) => sequence > end.sequence);
  }

  takeFirst(): Ring | undefined {
    while (this.#next < this.#queue.length) {
      const ring = this.#queue[this.#next++] as Ring;
      if (this.#next >= 1000) {
        this.#queue.splice(0, this.#next);
        this.#next = 0;
      }
      if (this.#remove(ring)) return ring;
    }
    return undefined;
  }

  takeLatest(): Ring | undefined {
    while (this.#next < this.#queue.length) {
      const ring = this.#queue.pop() as Ring;
      if (this.#remove(ring)) return ring;
    }
    return undefined;
  }

  #remove(ring: Ring): boolean {
    return this.#keep(keyOf(ring), (one) => one !== ring) > 0;
  }

  #keep(key: string, isKept: (ring: Ring) => boolean): number {
    const rings = this.#waiting.get(key);
    if (!rings) return 0;
    const left = rings.filter(isKept);
    if (left.length > 0) this.#waiting.set(key, left);
    else this.#waiting.delete(key);
    this.size -= rings.length - left.length;
    return rings.length - left.length;
  }
}

/**
 * Rings that wait to be written, in turns by app, so that one app's crowd delays another's ring by no more than the statement under way.
 * There is room for so many. Where it is full, whoever has most of it gives up its latest for another's: what has no room is counted, and
 * lies in the log.
 */
export class WaitingRings {
  /** In the order of turns. */
  readonly #apps = new Map<AppId, OfApp>();
  #size = 0;
  #leftOut = 0;

  /** @param onLeftOut is called for each ring that has no room. */
  constructor(
    private readonly most: number,
    private readonly onLeftOut: () => void,
  ) {}

  get size(): number {
    return this.#size;
  }

  /** How many had no room since the start. */
  get leftOut(): number {
    return this.#leftOut;
  }

  add(ring: Ring): void {
    if (this.#size >= this.most && !this.#makeRoomFor(ring.appId)) return this.#leaveOut();
    const app = this.#apps.get(ring.appId) ?? new OfApp();
    app.add(ring);
    this.#size += 1;
    this.#apps.set(ring.appId, app);
  }

  /** Takes what waits: of each app one in turn. */
  take(most: number): Ring[] {
    const taken: Ring[] = [];
    while (taken.length < most) {
      const [turn] = this.#apps;
      const ring = turn?.[1].takeFirst();
      if (!turn || !ring) break;
      taken.push(ring);
      this.#size -= 1;
      // Whose turn it was is the last to have the next.
      this.#apps.delete(turn[0]);
      if (turn[1].size > 0) this.#apps.set(...turn);
    }
    return taken;
  }

  /** Forgets what is over before it was written. */
  ended(end: Pick<RingEnd, 'appId' | 'callId' | 'userAlias' | 'sequence'>): void {
    const app = this.#apps.get(end.appId);
    if (!app) return;
    this.#size -= app.ended(end);
    if (app.size === 0) this.#apps.delete(end.appId);
  }

  /** @returns whether an app that has more than this one gave up its latest. */
  #makeRoomFor(appId: AppId): boolean {
    let largest = this.#apps.get(appId) ?? new OfApp();
    const own = largest.size;
    for (const app of this.#apps.values()) if (app.size > largest.size) largest = app;
    if (largest.size <= own + 1 || !largest.takeLatest()) return false;
    this.#size -= 1;
    this.#leaveOut();
    return true;
  }

  #leaveOut(): void {
    this.#leftOut += 1;
    this.onLeftOut();
  }
}
