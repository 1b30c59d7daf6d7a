/* Playlists of HLS (RFC 8216): what an encoder writes is read, and what viewers are told is written, over one encoder after the other. */

/** One piece of what is broadcast. */
export interface Segment {
  name: string;
  seconds: number;
}

/** One piece as viewers are told of it. */
export interface TimedSegment extends Segment {
  /** When its first picture was composed, in milliseconds since 1970. */
  at: number;
  /** Another encoder made what came before. */
  isAfterBreak: boolean;
}

/** What viewers are told. */
export interface Playlist {
  /** The number of the first segment. */
  sequence: number;
  /** How many breaks came before the first segment. */
  breaks: number;
  segments: TimedSegment[];
}

export const emptyPlaylist: Playlist = { sequence: 0, breaks: 0, segments: [] };
/** So many segments are told: beyond that a player has fallen behind. */
export const toldSegments = 8;

/** @returns the playlist with another segment, without what is too old. */
export function withSegment({ sequence, breaks, segments }: Playlist, segment: TimedSegment): Playlist {
  const all = [...segments, segment];
  const gone = all.slice(0, Math.max(0, all.length - toldSegments));
  return {
    sequence: sequence + gone.length,
    breaks: breaks + gone.filter(({ isAfterBreak }) => isAfterBreak).length,
    segments: all.slice(gone.length),
  };
}

/** @param targetSeconds how long a segment is, a whole number. */
export function writePlaylist({ sequence, breaks, segments }: Playlist, targetSeconds: number): string {
  const head = [
    ...['#EXTM3U', '#EXT-X-VERSION:6', `#EXT-X-TARGETDURATION:${targetSeconds}`, `#EXT-X-MEDIA-SEQUENCE:${sequence}`],
    ...[`#EXT-X-DISCONTINUITY-SEQUENCE:${breaks}`, '#EXT-X-INDEPENDENT-SEGMENTS'],
  ];
  const lines = segments.flatMap(({ name, seconds, at, isAfterBreak }) => [
    ...(isAfterBreak ? ['#EXT-X-DISCONTINUITY'] : []),
    `#EXT-X-PROGRAM-DATE-TIME:${new Date(at).toISOString()}`,
    `#EXTINF:${seconds.toFixed(6)},`,
    name,
  ]);
  return `${[...head, ...lines].join('\n')}\n`;
}

/** @returns the segments that an encoder's playlist names, and the number of the first; none for what is no playlist. */
export function readSegments(text: string): { sequence: number; segments: Segment[] } {
  const segments: Segment[] = [];
  let seconds: number | undefined;
  for (const line of text.split('\n').map((one) => one.trim())) {
    const duration = /^#EXTINF:(\d{1,5}(?:\.\d{1,9})?)/.exec(line)?.[1];
    if (duration) seconds = Number(duration);
    else if (line !== '' && !line.startsWith('#') && seconds !== undefined) {
      segments.push({ name: line, seconds });
      seconds = undefined;
    }
  }
  return { sequence: numberIn(text, /^#EXT-X-MEDIA-SEQUENCE:(\d{1,12})\s*$/m), segments };
}

/** @returns what {@link writePlaylist} wrote; an empty one for anything else. */
export function readPlaylist(text: string): Playlist {
  const blocks = text.split('#EXT-X-PROGRAM-DATE-TIME:');
  const { sequence, segments } = readSegments(text);
  const timed = blocks.slice(1).map((block, index): TimedSegment | undefined => {
    const at = Date.parse(block.split('\n')[0] ?? '');
    const segment = segments[index];
    return segment && !Number.isNaN(at) ? { ...segment, at, isAfterBreak: /#EXT-X-DISCONTINUITY\n$/.test(blocks[index] ?? '') } : undefined;
  });
  const whole = timed.flatMap((one) => one ?? []);
  if (whole.length !== segments.length) return emptyPlaylist;
  return { sequence, breaks: numberIn(text, /^#EXT-X-DISCONTINUITY-SEQUENCE:(\d{1,12})\s*$/m), segments: whole };
}

const numberIn = (text: string, tag: RegExp) => Number(tag.exec(text)?.[1] ?? 0);

/** @returns a playlist that leads to another, which counts whoever reads it as one viewer. */
export function leadingTo(
  playlist: string,
  { width, height, bitsPerSecond }: { width: number; height: number; bitsPerSecond: number },
): string {
  const stream = `BANDWIDTH=${bitsPerSecond},RESOLUTION=${width}x${height},CODECS="avc1.42c01f,mp4a.40.2"`;
  return `#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-INDEPENDENT-SEGMENTS\n#EXT-X-STREAM-INF:${stream}\n${playlist}\n`;
}
