import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { encloses } from './behind.js';
import { type FromStudio, linesIn, type StudioOptions, type StudioStream, type ToStudio } from './studio/messages.js';

/** What a studio says of its end, in characters. */
const mostSaid = 2000;
/** A studio that made nothing for so long, in milliseconds, hangs. */
const silentMs = 15_000;

/** Where the program of a studio is: beside this file where it is compiled, in a bundle of its own, or compiled where this is not. */
const program = ['studio/main.js', 'media-studio.js', '../../dist/broadcasts/studio/main.js']
  .map((path) => join(import.meta.dirname, path))
  .find((path) => existsSync(path));

/** A studio that runs beside this process, behind calls, and no longer than it. */
export class StudioProcess {
  readonly #child: ChildProcess;
  readonly #lacking = new Set<string>();
  #shown = '';
  #ended: string | undefined;
  #port: number | undefined;
  #latencyMs: number | null = null;
  #isLive = false;
  #heardAt = performance.now();

  /** @param onSegment when there is another, by its name. */
  constructor(
    options: StudioOptions,
    private readonly onSegment: (name: string) => void,
  ) {
    const [command, ...args] = encloses(process.execPath, ['--max-semi-space-size=4', program ?? 'studio/main.js']);
    this.#child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'], env: { PATH: process.env.PATH } });
    let said = '';
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-mostSaid)));
    let held = '';
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      const { lines, rest } = linesIn(held + text);
      held = rest;
      for (const line of lines) this.#hear(JSON.parse(line) as FromStudio);
    });
    this.#child.stdin?.on('error', () => undefined);
    this.#child.once('error', (error) => (this.#ended ??= error.message));
    this.#child.once('close', (code) => (this.#ended ??= said.trim() || `with ${code}`));
    this.#tell({ type: 'begin', options });
  }

  /** Why it ended; undefined while it runs. */
  get ended(): string | undefined {
    if (this.#ended === undefined && performance.now() - this.#heardAt > silentMs) {
      this.end();
      return 'nothing came of it for too long';
    }
    return this.#ended;
  }

  /** Where media are to be sent to, once they may. */
  get port(): number | undefined {
    return this.#port;
  }

  /** Whether there is something to be seen. */
  get isLive(): boolean {
    return this.#isLive;
  }

  get latencyMs(): number | null {
    return this.#latencyMs;
  }

  /** @returns the streams that lack a key frame, since this was last asked. */
  takeLacking(): ReadonlySet<string> {
    const lacking = new Set(this.#lacking);
    this.#lacking.clear();
    return lacking;
  }

  show(streams: readonly StudioStream[]): void {
    const shown = JSON.stringify(streams);
    if (shown === this.#shown) return;
    this.#shown = shown;
    this.#tell({ type: 'streams', streams });
  }

  end(): void {
    this.#child.kill('SIGKILL');
  }

  #hear(message: FromStudio): void {
    // That something lacks is said by one that makes nothing, too.
    if (message.type !== 'lacking') this.#heardAt = performance.now();
    if (message.type === 'ready') this.#port = message.port;
    if (message.type === 'lacking') for (const id of message.ids) this.#lacking.add(id);
    if (message.type !== 'segment') return;
    this.#isLive = true;
    this.#latencyMs = message.latencyMs;
    this.onSegment(message.name);
  }

  #tell(message: ToStudio): void {
    this.#child.stdin?.write(`${JSON.stringify(message)}\n`);
  }
}
