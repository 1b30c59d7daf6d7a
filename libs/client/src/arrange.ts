/** Whom to arrange, and where they were before. */
export interface Arranging {
  /** Everybody who is shown, by whatever names them. */
  all: readonly string[];
  /** Who speaks now, whoever began last first: {@link Call.speakers}. */
  speakers: readonly string[];
  /** What was returned before; none at first. */
  before?: readonly string[];
  /** How many are in view, without scrolling. */
  places: number;
}

/**
 * Arranges people so that whoever speaks is in view, and moves nobody without need: who speaks out of view changes places with the one in view
 * who has not spoken for longest, which is not told by who is there, and so the last of those in view who are silent. Who comes is last.
 * @returns all of them, once each, those in view first.
 */
export function arrange({ all, speakers, before = [], places }: Arranging): string[] {
  const known = new Set(all);
  const arranged = [...new Set([...before.filter((one) => known.has(one)), ...all])];
  for (const speaker of speakers.slice(0, places)) {
    const from = arranged.indexOf(speaker);
    if (from < places) continue;
    const to = arranged.slice(0, places).findLastIndex((one) => !speakers.includes(one));
    const silent = arranged[to];
    if (silent === undefined) continue;
    arranged[to] = speaker;
    arranged[from] = silent;
  }
  return arranged;
}

/**
 * The grid in which so many tiles are largest, each as high as `ratio` says: up to nine on a screen of a desk, and as well more.
 * @param room in which they are to be, in whatever unit.
 * @returns columns and rows, 1 each at least.
 */
export function gridFor(tiles: number, room: { width: number; height: number }, ratio = 4 / 3): { columns: number; rows: number } {
  let best = { columns: 1, rows: Math.max(1, tiles), width: 0 };
  for (let columns = 1; columns <= tiles; columns += 1) {
    const rows = Math.ceil(tiles / columns);
    const width = Math.min(room.width / columns, (room.height / rows) * ratio);
    if (width > best.width) best = { columns, rows, width };
  }
  return { columns: best.columns, rows: best.rows };
}
