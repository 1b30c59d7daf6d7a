/** Lets somebody wait for news, such that none between a look and the waiting is missed. */
export class Waiting {
  #news = 0;
  #seen = 0;
  #wake: (() => void) | undefined;

  /** There may be something new. */
  readonly tell = (): void => {
    this.#news += 1;
    this.#wake?.();
  };

  /** To be called before a look: what is told from now on is news. */
  look(): void {
    this.#seen = this.#news;
  }

  /** @param milliseconds at most. @returns when something was told since the last look, or so long has passed. */
  async forNews(milliseconds: number): Promise<void> {
    if (this.#news > this.#seen || milliseconds <= 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wake = undefined;
  }
}
