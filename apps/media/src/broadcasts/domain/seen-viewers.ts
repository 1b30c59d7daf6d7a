/** Beyond so many of one replica, nobody more is counted: it serves fewer. */
const most = 50_000;

/** Who asked lately, of each broadcast. */
export class SeenViewers {
  readonly #lastSeen = new Map<string, Map<string, number>>();

  /** @param withinMs who asked within that counts. */
  constructor(private readonly withinMs: number) {}

  /** @returns whether the viewer counts. */
  note(broadcastId: string, viewer: string, now: number): boolean {
    const seen = this.#lastSeen.get(broadcastId) ?? new Map<string, number>();
    if (seen.size >= most && !seen.has(viewer)) return false;
    // Whoever was seen last is last: so those that are gone are first.
    seen.delete(viewer);
    seen.set(viewer, now);
    this.#lastSeen.set(broadcastId, seen);
    this.#forget(broadcastId, now);
    return true;
  }

  /** @returns how many asked lately. */
  count(broadcastId: string, now: number): number {
    this.#forget(broadcastId, now);
    return this.#lastSeen.get(broadcastId)?.size ?? 0;
  }

  #forget(broadcastId: string, now: number): void {
    const seen = this.#lastSeen.get(broadcastId);
    if (!seen) return;
    for (const [viewer, at] of seen) {
      if (now - at < this.withinMs) break;
      seen.delete(viewer);
    }
    if (seen.size === 0) this.#lastSeen.delete(broadcastId);
  }
}
