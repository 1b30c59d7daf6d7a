import { readFile } from 'node:fs/promises';
import { getCACertificates } from 'node:tls';

/** @returns the certificates that are trusted where a file names more; undefined where it does not: then those of Node are. */
export async function trusted(file: string | undefined): Promise<string[] | undefined> {
  return file === undefined ? undefined : [...getCACertificates('default'), await readFile(file, 'utf8')];
}
