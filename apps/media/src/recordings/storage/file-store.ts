import type { Readable } from 'node:stream';

/** A file that is to be kept. */
export interface KeptFile {
  path: string;
  contentType: string;
}

/** A stretch of a file's bytes, both ends in it. */
export interface ByteRange {
  start: number;
  end: number;
}

/** Where files of recordings are kept: disks of the installation, or a server that speaks S3. */
export interface FileStore {
  /** Keeps a file in the place of one that may be there. @throws Error where it cannot be kept. */
  keep(key: string, file: KeptFile, signal: AbortSignal): Promise<void>;
  /** @returns the bytes of a file; undefined where it is not there. */
  read(key: string, range: ByteRange): Promise<Readable | undefined>;
  /** Deletes files; those that are not there count as deleted. */
  remove(keys: readonly string[]): Promise<void>;
}
