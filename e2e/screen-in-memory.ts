import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const program = '/usr/bin/Xvfb';
const size = { width: 640, height: 360 };
/** Of the header of an XWD file (X11/XWDFile.h): where its own length, and the number of colours after it, are. */
const header = { length: 0, colours: 19 * 4, bytesOfColour: 12 };

/**
 * A screen of X11 that nobody looks at, red, on which something moves: what is shared of it is told from cameras by its colour. Its
 * pixels are a file, so that nothing else is needed to paint them.
 */
export class ScreenInMemory {
  #server: ChildProcess | undefined;
  #folder: string | undefined;
  #painting: NodeJS.Timeout | undefined;

  /** @returns what there is none for; empty where there is one. */
  static whyNot(): string {
    return existsSync(program) ? '' : 'no screen is there to share; Debian: apt-get install xvfb';
  }

  /** @returns its name, for the environment of programs. @throws Error where the server ends instead of telling it. */
  async start(): Promise<string> {
    this.#folder = await mkdtemp(join(tmpdir(), 'screen-'));
    const screen = ['-screen', '0', `${size.width}x${size.height}x24`];
    const server = spawn(program, ['-displayfd', '1', '-nolisten', 'tcp', '-fbdir', this.#folder, ...screen], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    this.#server = server;
    const display = await new Promise<string>((resolve, reject) => {
      server.stdout.once('data', (told) => resolve(`:${String(told).trim()}`));
      server.once('error', reject);
      server.once('exit', () => reject(new Error('Xvfb ended before it told its display')));
    });
    await this.#paint(join(this.#folder, 'Xvfb_screen0'));
    return display;
  }

  async #paint(path: string): Promise<void> {
    const file = await open(path, 'r+');
    const start = Buffer.alloc(header.colours + 4);
    await file.read(start, 0, start.length, 0);
    const pixels = start.readUInt32BE(header.length) + start.readUInt32BE(header.colours) * header.bytesOfColour;
    // Blue, green, red and nothing, as the server keeps them on processors of this kind.
    const fill = (count: number, red: number) => Buffer.alloc(count * 4, Buffer.from([0, 0, red, 0]));
    const painted = [255, 190].map((red) => {
      const all = fill(size.width * size.height, 255);
      fill(size.width * 8, red).copy(all);
      return all;
    });
    let turn = 0;
    // Again and again: the server paints it black when its first window comes, and nothing that stands still is sent.
    const paint = () => void file.write(painted[turn++ % 2] ?? fill(1, 255), 0, undefined, pixels).catch(() => undefined);
    paint();
    this.#painting = setInterval(paint, 200);
    this.#server?.once('exit', () => void file.close());
  }

  async stop(): Promise<void> {
    clearInterval(this.#painting);
    const server = this.#server;
    this.#server = undefined;
    if (server && server.exitCode === null) {
      const ended = new Promise((resolve) => server.once('exit', resolve));
      server.kill();
      await ended;
    }
    if (this.#folder) await rm(this.#folder, { recursive: true, force: true });
  }
}
