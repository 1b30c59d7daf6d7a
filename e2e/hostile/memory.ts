/** What a process held at moments of a run, in megabytes, the oldest first. */
export type Memory = readonly number[];

/** Of the beginning, in which caches and young spaces fill, nothing is judged. */
const settled = 1 / 3;
const windows = 4;
/** What every window may hold more than the one before, and all together, without being taken for growth: heaps breathe. */
const step = { share: 0.01, megabytes: 1 };
const whole = { share: 0.05, megabytes: 12 };
/** However it came: more than this is too much. */
const most = { share: 0.4, megabytes: 60 };

/**
 * Judges whether a process goes on growing. Of each part of the run only the least counts, since a heap falls back to what is still needed
 * there: who holds on to something at each request has a floor that rises from part to part.
 * @returns what is wrong; undefined where memory is flat, or too little is known.
 */
export function growthOf(memory: Memory): string | undefined {
  const judged = memory.slice(Math.floor(memory.length * settled));
  const size = Math.floor(judged.length / windows);
  if (size < 2) return undefined;
  const floors = Array.from({ length: windows }, (_, n) =>
    Math.min(...judged.slice(n * size, n === windows - 1 ? undefined : (n + 1) * size)),
  );
  const [first = 0, last = 0] = [floors[0], floors.at(-1)];
  const rises = floors.slice(1).every((floor, n) => isBeyond(floors[n] ?? 0, floor, step));
  const isTooMuch = isBeyond(first, last, most) || (rises && isBeyond(first, last, whole));
  return isTooMuch ? `its floor rose: ${floors.map((floor) => floor.toFixed(0)).join(', ')} MB` : undefined;
}

function isBeyond(was: number, is: number, { share, megabytes }: { share: number; megabytes: number }): boolean {
  return is > was * (1 + share) + megabytes;
}
