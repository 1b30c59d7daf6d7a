/* What a studio, which is a process of its own, and the service that runs it tell each other: a line of JSON each. */

/** How a studio is to work; its first line. */
export interface StudioOptions {
  /** Where segments and the playlist go. */
  folder: string;
  /** Begins the names of what this run makes, and of none before. */
  run: string;
  /** The address on which media come in, and its ports, from the first to the last; any free one where there are none. */
  host: string;
  ports: readonly [number, number] | undefined;
  height: number;
  framesPerSecond: number;
  bitsPerSecond: number;
}

/** A stream that comes in, in the order in which they are shown. */
export interface StudioStream {
  id: string;
  isScreen: boolean;
  /** By which its packets are told apart. */
  audio: number | undefined;
  video: number | undefined;
}

export type ToStudio = { type: 'begin'; options: StudioOptions } | { type: 'streams'; streams: readonly StudioStream[] };

export type FromStudio =
  /** Media may be sent to this port. */
  | { type: 'ready'; port: number }
  /** Another segment is in the playlist. */
  | { type: 'segment'; name: string; latencyMs: number }
  /** Of these nothing can be shown until a key frame comes. */
  | { type: 'lacking'; ids: readonly string[] };

/** @returns the lines that are whole in what has come, and what is left. */
export function linesIn(text: string): { lines: string[]; rest: string } {
  const lines = text.split('\n');
  const rest = lines.pop() ?? '';
  return { lines: lines.filter((line) => line !== ''), rest };
}
