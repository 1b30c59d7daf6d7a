import type { QualityFrame } from '@communication-center/contracts';

/** How often a device tells how its media goes, in milliseconds, unless its app says otherwise. */
export const defaultEveryMs = 5000;
/** The Center hears a device once a second. */
const leastMs = 1000;
/** How a call begins is told sooner: most faults are there from the first moment. */
const firstMs = 1500;

export interface QualitySamplerOptions {
  /** 0 for never. */
  everyMs: number;
  /** @throws where the platform has no figures just now: that time is passed over. */
  measure: () => Promise<QualityFrame>;
  tell: (sample: QualityFrame) => void;
}

/** Tells the Center, from its start on, how media comes and goes: one frame a time, and never two at once. */
export class QualitySampler {
  readonly #options: QualitySamplerOptions;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #stopped = false;

  constructor(options: QualitySamplerOptions) {
    this.#options = options;
  }

  start(): void {
    const { everyMs } = this.#options;
    if (everyMs <= 0 || this.#timer !== undefined) return;
    this.#in(Math.min(firstMs, Math.max(leastMs, everyMs)));
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  #in(ms: number): void {
    this.#timer = setTimeout(() => void this.#sample(), ms);
  }

  async #sample(): Promise<void> {
    const { everyMs, measure, tell } = this.#options;
    const sample = await measure().catch(() => undefined);
    if (this.#stopped) return;
    if (sample) tell(sample);
    this.#in(Math.max(leastMs, everyMs));
  }
}
