/** In a call a ping goes out so often, in milliseconds. */
export const pingInCallMs = 1000;
/** After so long without a sign, in milliseconds, the other side counts as quiet: two pings had no answer. */
const quietAfterMs = 2200;

/** Tells when nothing was heard for a while, and when something is heard again. */
export class Silence {
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isSilent = false;

  constructor(private readonly onChange: (isSilent: boolean) => void) {}

  get isSilent(): boolean {
    return this.#isSilent;
  }

  /** Something was heard, or waiting for it begins. */
  heard(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#set(true), quietAfterMs);
    this.#set(false);
  }

  /** Nothing is waited for any more. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#set(false);
  }

  #set(isSilent: boolean): void {
    if (isSilent === this.#isSilent) return;
    this.#isSilent = isSilent;
    this.onChange(isSilent);
  }
}
