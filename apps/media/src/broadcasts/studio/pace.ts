/** Beyond so many pictures at once, those that were missed are left out: this process stood still. */
const mostAtOnce = 5;

/** When which picture is due, by a clock of milliseconds, and when each was made, though time may have been left out. */
export class Pace {
  #made = 0;
  /** From which picture on time counts from when. */
  #anchors: { frame: number; at: number }[];

  constructor(
    private readonly framesPerSecond: number,
    now: number,
  ) {
    this.#anchors = [{ frame: 0, at: now }];
  }

  /** @param isBehind whether who takes them is late already: then none is due. @returns how many pictures are due; they count as made. */
  due(now: number, isBehind: boolean): number {
    const late = this.#expected(now) - this.#made;
    if (late <= 0) return 0;
    if (isBehind || late > mostAtOnce) {
      this.#leaveOut(now);
      return 0;
    }
    this.#made += late;
    return late;
  }

  /** @returns when a picture was made, in milliseconds. */
  timeOf(frame: number): number {
    const anchor = this.#anchors.findLast((one) => one.frame <= frame) ?? this.#anchors[0];
    return anchor ? anchor.at + ((frame - anchor.frame) * 1000) / this.framesPerSecond : 0;
  }

  #expected(now: number): number {
    const last = this.#anchors.at(-1);
    return last ? last.frame + Math.floor(((now - last.at) * this.framesPerSecond) / 1000) : 0;
  }

  #leaveOut(now: number): void {
    // Pictures that are longer than a minute ago are in no playlist any more.
    const before = this.#anchors.filter(({ frame }) => frame < this.#made).slice(-60);
    this.#anchors = [...before, { frame: this.#made, at: now }];
  }
}
