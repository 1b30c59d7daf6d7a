import { fork } from 'node:child_process';

/** A process of its own that does what it is told: its processor time is its own. */
export class Helper {
  #child;
  #asked = new Map();
  #last = 0;

  constructor(file) {
    this.#child = fork(file, { cwd: process.cwd() });
    this.#child.on('message', ({ id, result, error }) => {
      const { resolve, reject } = this.#asked.get(id);
      this.#asked.delete(id);
      if (error === undefined) resolve(result);
      else reject(new Error(error));
    });
    this.#child.on('exit', (code) => {
      for (const { reject } of this.#asked.values()) reject(new Error(`${file} ended (${code})`));
    });
  }

  get pid() {
    return this.#child.pid;
  }

  /** @returns what came of an act. */
  ask(act, given) {
    const id = ++this.#last;
    return new Promise((resolve, reject) => {
      this.#asked.set(id, { resolve, reject });
      this.#child.send({ id, act, given });
    });
  }

  end() {
    if (this.#child.connected) this.#child.disconnect();
  }
}
