/** What one device sent by one section, without a break: a part of one of Janus' files. Times are milliseconds since 1970. */
export interface Take {
  /** Its number among all of the recording. */
  index: number;
  /** By which it is told who sent it: the feed, or the user's device where that is known. */
  sender: string;
  media: 'audio' | 'video';
  isScreen: boolean;
  fromMs: number;
  toMs: number;
}

/** Pictures a second, and samples a second, of what is made. */
export const rate = { frames: 25, samples: 48_000 } as const;
export const samplesOfFrame = rate.samples / rate.frames;
const frameMs = 1000 / rate.frames;

/** Where nobody sent anything for longer than this, in milliseconds, that time is left out: the recording was paused, or nobody was there. */
const longestGapMs = 1000;

/** A take in the time of what is made, counted in frames. */
export interface PlacedTake extends Take {
  from: number;
  to: number;
}

/**
 * Places takes in the time of what is made: it begins with the first, and leaves out when nothing was sent.
 * @returns them in their order, and how many frames there are.
 */
export function place(takes: readonly Take[]): { placed: PlacedTake[]; frames: number } {
  const sorted = takes.filter(({ fromMs, toMs }) => toMs - fromMs >= frameMs).toSorted((one, other) => one.fromMs - other.fromMs);
  const placed: PlacedTake[] = [];
  let leftOut = 0;
  let until = sorted[0]?.fromMs ?? 0;
  const start = until;
  for (const take of sorted) {
    if (take.fromMs - until > longestGapMs) leftOut += take.fromMs - until;
    until = Math.max(until, take.toMs);
    const from = Math.round((take.fromMs - start - leftOut) / frameMs);
    // Rounded alike, what follows something at once begins where that ends.
    placed.push({ ...take, from, to: Math.max(from + 1, Math.round((take.toMs - start - leftOut) / frameMs)) });
  }
  return { placed, frames: placed.reduce((most, { to }) => Math.max(most, to), 0) };
}
