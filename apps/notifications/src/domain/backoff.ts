const firstMs = 80;
const longestMs = 5000;

/**
 * @param made tries that failed so far, one at least.
 * @param asked what the provider asks for, where it does.
 * @param chance from 0 to 1: nobody comes back at the moment others do.
 * @returns milliseconds until the next try.
 */
export function pauseAfter(made: number, asked: number | undefined, chance: number): number {
  const grown = Math.min(longestMs, firstMs * 2 ** (made - 1));
  const jittered = grown * (0.5 + chance);
  return asked === undefined ? jittered : asked + jittered * 0.2;
}
