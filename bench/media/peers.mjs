import { execFile, spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const folder = fileURLToPath(new URL('peers', import.meta.url));

/** The program that carries packets for many devices (`peers/main.go`): a process of its own, whose processor time is its own. */
export class Peers {
  #child;
  #asked = new Map();
  #last = 0;

  /** Compiles and starts it. @throws Error that says what is missing. */
  static async start({ into, kbps }) {
    mkdirSync(into, { recursive: true });
    const program = join(into, 'peers');
    await promisify(execFile)('go', ['build', '-o', program, '.'], { cwd: folder, timeout: 300_000 }).catch((error) => {
      if (error.code === 'ENOENT')
        throw new Error('how many calls a Janus holds is measured with peers written in Go: install Go 1.24 or newer');
      throw error;
    });
    const peers = new Peers();
    peers.#child = spawn(program, ['-kbps', String(kbps)], { stdio: ['pipe', 'pipe', 'inherit'] });
    peers.#child.once('exit', (code, signal) => peers.#end(new Error(`the peers ended (${code ?? signal})`)));
    createInterface({ input: peers.#child.stdout }).on('line', (line) => peers.#take(JSON.parse(line)));
    return peers;
  }

  get pid() {
    return this.#child.pid;
  }

  /** @returns what came of an order, see `peers/main.go`. */
  ask(what, given = {}) {
    const n = ++this.#last;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#take({ n, error: `the peers did not ${what} in time` }), 30_000);
      this.#asked.set(n, { resolve, reject, timer });
      this.#child.stdin.write(`${JSON.stringify({ n, do: what, ...given })}\n`);
    });
  }

  stop() {
    this.#child.stdin.end();
  }

  #take({ n, error, ...told }) {
    const asked = this.#asked.get(n);
    if (!asked) return;
    this.#asked.delete(n);
    clearTimeout(asked.timer);
    if (error === undefined) asked.resolve(told);
    else asked.reject(new Error(error));
  }

  #end(error) {
    for (const n of this.#asked.keys()) this.#take({ n, error: error.message });
  }
}
