/** So many places, of which nobody may take more than a share. */
export class Places {
  readonly #taken = new Map<string, number>();
  #all = 0;

  constructor(
    private readonly most: number,
    private readonly share: number,
  ) {}

  /** @returns what there is none of for whoever asks: of its share, or of all places. */
  lacks(whose: string): 'share' | 'place' | undefined {
    if ((this.#taken.get(whose) ?? 0) >= this.share) return 'share';
    return this.#all >= this.most ? 'place' : undefined;
  }

  /** @returns whether there was one to take; whoever took it gives it back. */
  take(whose: string): boolean {
    if (this.lacks(whose)) return false;
    this.#taken.set(whose, (this.#taken.get(whose) ?? 0) + 1);
    this.#all += 1;
    return true;
  }

  giveBack(whose: string): void {
    const left = (this.#taken.get(whose) ?? 0) - 1;
    if (left > 0) this.#taken.set(whose, left);
    else this.#taken.delete(whose);
    this.#all -= 1;
  }
}
