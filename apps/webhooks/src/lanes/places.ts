/** Somebody who makes requests, one of an app's. */
export interface TakesPlaces {
  endpoint: { appId: string };
  /** Requests it has under way. */
  underWay: number;
  /** Whether its receiver took the last one it answered. */
  isProven: boolean;
  pump: () => void;
}

/** Of those who wait so many are asked at most when a place becomes free: the others have their turn with the next one. */
const mostAsked = 16;

/** A place that was taken, to be given back. */
export interface Place {
  appId: string;
  isProven: boolean;
}

/**
 * The requests that this process has under way at a time: no more than so many. Receivers that are not known to answer have half of
 * them, so that however many hang, those that are well go on. An app has at most as many as are left free, and of those an endpoint at
 * most as many as are left of them; whoever has none gets one while any is free. Those who wait have their turns, an app after the other.
 */
export class Places {
  readonly #ofApps = new Map<string, number>();
  /** Who waits, by app, in the order of turns. */
  readonly #waiting = new Map<string, Set<TakesPlaces>>();
  #taken = 0;
  #unproven = 0;
  #isAsking = false;

  constructor(private readonly most: number) {}

  get taken(): number {
    return this.#taken;
  }

  /** How many endpoints wait for a place. */
  get waiting(): number {
    return [...this.#waiting.values()].reduce((sum, { size }) => sum + size, 0);
  }

  /** @returns whether it may begin a request now; else it is pumped when it may be its turn. */
  isFreeFor(one: TakesPlaces): boolean {
    const { appId } = one.endpoint;
    const all = this.most - this.#taken;
    const free = one.isProven ? all : Math.min(all, Math.ceil(this.most / 2) - this.#unproven);
    const ofApp = this.#ofApps.get(appId) ?? 0;
    const isFree = free > 0 && (ofApp === 0 || ofApp < free) && (one.underWay === 0 || one.underWay < free - ofApp);
    if (!isFree) this.#waiting.set(appId, (this.#waiting.get(appId) ?? new Set()).add(one));
    return isFree;
  }

  take({ endpoint: { appId }, isProven }: TakesPlaces): Place {
    this.#taken += 1;
    if (!isProven) this.#unproven += 1;
    this.#ofApps.set(appId, (this.#ofApps.get(appId) ?? 0) + 1);
    return { appId, isProven };
  }

  free({ appId, isProven }: Place): void {
    this.#taken -= 1;
    if (!isProven) this.#unproven -= 1;
    const left = (this.#ofApps.get(appId) ?? 1) - 1;
    if (left > 0) this.#ofApps.set(appId, left);
    else this.#ofApps.delete(appId);
    if (this.#waiting.size > 0 && !this.#isAsking) this.#ask();
  }

  /** Asks those who wait, an app after the other, until somebody has taken what is free. */
  #ask(): void {
    this.#isAsking = true;
    const before = this.#taken;
    for (let asked = 0; asked < mostAsked && this.#taken === before; asked += 1) {
      const [turn] = this.#waiting;
      if (!turn) break;
      const [appId, ofApp] = turn;
      const [one] = ofApp;
      this.#waiting.delete(appId);
      if (!one) continue;
      ofApp.delete(one);
      if (ofApp.size > 0) this.#waiting.set(appId, ofApp);
      one.pump();
    }
    this.#isAsking = false;
  }
}
