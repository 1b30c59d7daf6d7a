import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import type { RandomGenerator } from 'pure-rand/types/RandomGenerator';

/** Choices that a seed repeats. */
export class Chance {
  readonly #generator: RandomGenerator;

  constructor(readonly seed: number) {
    this.#generator = xoroshiro128plus(seed);
  }

  /** @returns a stream of its own, so that one user's choices do not hang on how fast another is. */
  branch(number: number): Chance {
    return new Chance(this.seed * 7919 + number);
  }

  /** A whole number from `min` to `max`. */
  between(min: number, max: number): number {
    return uniformInt(this.#generator, min, max);
  }

  /** Whether something happens that happens so many times in a hundred. */
  percent(chance: number): boolean {
    return this.between(1, 100) <= chance;
  }

  /** @throws RangeError for an empty list. */
  of<T>(list: readonly T[]): T {
    if (list.length === 0) throw new RangeError('nothing to choose from');
    return list[this.between(0, list.length - 1)] as T;
  }

  /** @returns up to `count` different ones. */
  some<T>(list: readonly T[], count: number): T[] {
    const left = [...list];
    return Array.from({ length: Math.min(count, left.length) }, () => left.splice(this.between(0, left.length - 1), 1)[0] as T);
  }
}
