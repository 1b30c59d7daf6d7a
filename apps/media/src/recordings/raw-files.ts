import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** What Janus has written of a recording. */
export interface RawFiles {
  /** Whether it has begun any. */
  isAny: boolean;
  /** How long ago it began the last of them, in milliseconds; 0 where there is none. */
  youngestMs: number;
}

/** @returns what lies in a folder; nothing where it is not there. */
export async function rawFilesIn(folder: string): Promise<RawFiles> {
  const names = await readdir(folder).catch(() => []);
  const born = await Promise.all(names.map(async (name) => (await stat(join(folder, name)).catch(() => undefined))?.birthtimeMs ?? 0));
  return { isAny: names.length > 0, youngestMs: names.length > 0 ? Date.now() - Math.max(...born) : 0 };
}
