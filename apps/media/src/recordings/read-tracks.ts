import { createReadStream, createWriteStream } from 'node:fs';
import { open, readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { ofScreen } from '../media-sockets/streams-of.js';
import { headerOfPiece, type MjrHeader, type MjrPiece, MjrScan, readMjrHeader } from './domain/mjr.js';
import type { Take } from './domain/takes.js';

/** Of one recording; whoever is in and out more often than that has no part in its files from then on. */
const mostFiles = 2000;
/** How Janus names what it records of a room: by the feed, the time, and the section's kind and place. */
const named = /^videoroom-.+-user-(?<feed>.+)-\d+-(?:audio|video)-\d+\.mjr(?:\.tmp)?$/;

/** A take, and the part of Janus' file that it is in. */
export interface RawTake extends Take {
  file: string;
  feed: string;
  header: MjrHeader;
  piece: MjrPiece;
  isWhole: boolean;
}

/**
 * Reads what Janus recorded: the files of a Janus that was killed as well, as far as they go.
 * @param senderOf says who a feed is of.
 * @returns the takes in all files of the folder, in an order that is always the same; none where there is no folder.
 */
export async function readTakes(folder: string, senderOf: (feed: string) => string): Promise<RawTake[]> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  const takes: RawTake[] = [];
  for (const name of names
    .filter((one) => named.test(one))
    .toSorted()
    .slice(0, mostFiles)) {
    const feed = named.exec(name)?.groups?.feed ?? '';
    const file = join(folder, name);
    const scanned = await scan(file);
    if (!scanned || scanned.header.media === 'data') continue;
    const { header, pieces } = scanned;
    const { media } = scanned.header;
    const isScreen = header.description === ofScreen;
    for (const piece of pieces) {
      const { startsAtMs: fromMs, durationMs } = piece;
      const index = takes.length;
      const toMs = fromMs + durationMs;
      takes.push({
        index,
        sender: senderOf(feed),
        media: media as Take['media'],
        isScreen,
        fromMs,
        toMs,
        file,
        feed,
        header,
        piece,
        isWhole: pieces.length === 1,
      });
    }
  }
  return takes;
}

async function scan(file: string): Promise<{ header: MjrHeader; pieces: MjrPiece[] } | undefined> {
  let begun: { header: MjrHeader; scan: MjrScan } | undefined;
  let first = Buffer.alloc(0);
  for await (const chunk of createReadStream(file, { highWaterMark: 262_144 })) {
    if (begun) {
      begun.scan.take(chunk as Buffer);
      continue;
    }
    first = Buffer.concat([first, chunk as Buffer]);
    const header = readMjrHeader(first);
    if (!header) return undefined;
    if (header === 'short') continue;
    begun = { header, scan: new MjrScan(header) };
    begun.scan.take(first.subarray(header.length));
  }
  return begun && { header: begun.header, pieces: begun.scan.pieces };
}

/** @returns a file of Janus' that has a take alone: its own where it is in it alone, else one that is written to `target`. */
export async function fileOfTake({ file, header, piece, isWhole }: RawTake, target: string): Promise<string> {
  if (isWhole) return file;
  const draft = `${target}.draft`;
  const out = await open(draft, 'w');
  await out.write(headerOfPiece(header, piece));
  await out.close();
  await pipeline(createReadStream(file, { start: piece.from, end: piece.to - 1 }), createWriteStream(draft, { flags: 'a' }));
  await rename(draft, target);
  return target;
}
