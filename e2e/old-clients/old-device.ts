import { type ChildProcess, spawn } from 'node:child_process';
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { eventually } from '@communication-center/testing';
import type { OutsideProject } from '../outside/project.js';

/** What an old device says: `what` happened, and what about it. */
interface Heard {
  what: string;
  reason?: string;
  status?: string;
  code?: string;
  outcomes?: number[];
}

/** A process of its own with an old SDK. */
export class OldDevice {
  readonly heard: Heard[] = [];
  readonly #process: ChildProcess;
  #complaints = '';

  constructor(project: OutsideProject, connect: { url: string; appId: string; userAlias: string; token: string; media: boolean }) {
    cpSync(join(import.meta.dirname, 'device.mjs'), join(project.folder, 'device.mjs'));
    this.#process = spawn(process.execPath, ['device.mjs', JSON.stringify(connect)], { cwd: project.folder });
    if (this.#process.stdout) createInterface({ input: this.#process.stdout }).on('line', (line) => this.heard.push(JSON.parse(line)));
    this.#process.stderr?.on('data', (part) => (this.#complaints += String(part)));
  }

  tell(act: string, how: object = {}): void {
    this.#process.stdin?.write(`${JSON.stringify({ act, ...how })}\n`);
  }

  /** Waits until the device has heard it, and forgets it and all before. @throws Error when it complains or hears nothing of it. */
  async hears(what: string): Promise<Heard> {
    return eventually(`an old device hearing "${what}"`, () => {
      if (this.#complaints) throw new Error(this.#complaints);
      const index = this.heard.findIndex((one) => one.what === what);
      return index >= 0 && this.heard.splice(0, index + 1).at(-1);
    });
  }

  kill(): void {
    this.#process.kill('SIGKILL');
  }
}
