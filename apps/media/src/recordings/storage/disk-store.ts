import { createReadStream } from 'node:fs';
import { copyFile, mkdir, open, rename, rm, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import type { ByteRange, FileStore, KeptFile } from './file-store.js';

/** Keeps files in a folder that all replicas see. */
export class DiskStore implements FileStore {
  constructor(private readonly folder: string) {}

  async keep(key: string, { path }: KeptFile): Promise<void> {
    const target = this.#pathOf(key);
    const draft = `${target}.${process.pid}.draft`;
    await mkdir(dirname(target), { recursive: true });
    await copyFile(path, draft);
    await rename(draft, target);
  }

  async read(key: string, { start, end }: ByteRange): Promise<Readable | undefined> {
    try {
      const file = await open(this.#pathOf(key), 'r');
      return createReadStream('', { fd: file, start, end });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }

  async remove(keys: readonly string[]): Promise<void> {
    for (const key of keys) await rm(this.#pathOf(key), { force: true });
    // A folder that has something else in it stays.
    for (const folder of new Set(keys.map((key) => dirname(this.#pathOf(key))))) await rmdir(folder).catch(() => undefined);
  }

  #pathOf(key: string): string {
    return join(this.folder, key);
  }
}
