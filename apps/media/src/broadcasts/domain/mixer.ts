/* Sound as samples: two channels of 16 bits at 48 kHz. */

export const sampleRate = 48_000;
const frameBytes = 4;
/** Somebody's sound begins so late, in milliseconds, that what comes unevenly does not make gaps. */
const cushionMs = 120;
/** Where more than this is held, in milliseconds, what is too much is left out: it would be late for good. */
const mostMs = 500;

const bytesIn = (ms: number) => Math.round((ms * sampleRate) / 1000) * frameBytes;

/** What came of somebody's sound, and was not played yet. */
export class SoundQueue {
  #held: Buffer = Buffer.alloc(0);
  #plays = false;

  push(bytes: Buffer): void {
    this.#held = this.#held.length === 0 ? bytes : Buffer.concat([this.#held, bytes]);
    if (this.#held.length > bytesIn(mostMs)) this.#held = this.#held.subarray(alignedDown(this.#held.length - bytesIn(cushionMs)));
  }

  /** @returns so many samples, or what there is of them; none until there are enough to begin. */
  take(samples: number): Buffer | undefined {
    if (!this.#plays && this.#held.length < bytesIn(cushionMs)) return undefined;
    const taken = this.#held.subarray(0, alignedDown(Math.min(samples * frameBytes, this.#held.length)));
    this.#held = this.#held.subarray(taken.length);
    this.#plays = taken.length === samples * frameBytes;
    return taken;
  }
}

const alignedDown = (bytes: number) => bytes - (bytes % frameBytes);

/** @returns so many samples of all who speak, as loud as each is; what is too loud together is cut off. */
export function mixed(sounds: readonly Buffer[], samples: number): Buffer {
  const sum = new Int32Array(samples * 2);
  for (const sound of sounds) {
    const values = Math.min(sum.length, sound.length >> 1);
    for (let index = 0; index < values; index += 1) sum[index] = (sum[index] ?? 0) + sound.readInt16LE(index * 2);
  }
  const out = Buffer.alloc(samples * frameBytes);
  for (const [index, value] of sum.entries()) out.writeInt16LE(Math.max(-32_768, Math.min(32_767, value)), index * 2);
  return out;
}
