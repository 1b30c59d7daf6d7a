import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmdirSync } from 'node:fs';
import { statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A disk of a few megabytes, which is really full when it is: a file system in memory. */
export class SmallDisk {
  readonly folder = mkdtempSync(join(tmpdir(), 'small-disk-'));

  constructor(megabytes: number) {
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', this.folder], { stdio: 'ignore' });
    } catch (error) {
      rmdirSync(this.folder);
      throw error;
    }
  }

  async freeBytes(): Promise<number> {
    const { bavail, bsize } = await statfs(this.folder);
    return bavail * bsize;
  }

  /** Has others fill it, but for so many bytes. @returns the file with which they do. */
  async fill(leaving: number): Promise<string> {
    const file = join(this.folder, 'of-others');
    await writeFile(file, Buffer.alloc(Math.max(0, (await this.freeBytes()) - leaving), 1));
    return file;
  }

  leave(): void {
    execFileSync('umount', ['-l', this.folder]);
    rmdirSync(this.folder);
  }
}

/** Whether this machine lets a disk be mounted: root does, where it has not given that away. */
export const canMount = (() => {
  try {
    new SmallDisk(1).leave();
    return true;
  } catch {
    return false;
  }
})();
