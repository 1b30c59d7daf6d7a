import { closeSync, openSync, readFileSync, readSync, statSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { compile } from './build.mjs';
import { askControl } from './control.mjs';
import { Refusal, say } from './output.mjs';
import { waitFor } from './processes.mjs';
import { root } from './registry.mjs';
import { savedBetween, statesOf } from './sources.mjs';

/** How often is looked for what was saved and what the services have logged. */
const lookEveryMs = 200;

/**
 * Services that a developer borrows from a running fleet: compiled and started anew whenever a file is saved that they are made
 * of, while the rest of the fleet goes on. The fleet's supervisor keeps their processes, so they end with it, and come back to it
 * however the borrower ends.
 */
export class Borrowing {
  #replicas = new Map();
  #logs = new Map();
  /** When each was last asked to start: what is said of an earlier start is out of date. */
  #began = new Map();

  constructor(instance, names) {
    this.instance = instance;
    this.services = names.map((name) => ({
      name,
      folders: [...projectsOf(join(root, 'apps', name))].map((project) => join(project, 'src')),
    }));
  }

  /**
   * Borrows them until `stop` is aborted, and gives them back.
   * @param {AbortSignal} stop
   * @throws Refusal when nothing runs, they do not compile at first, or the fleet ends meanwhile.
   */
  async run(stop) {
    let states = this.#states();
    await this.#requireFleet();
    for (const service of this.services) await compile(`apps/${service.name}`);
    const telling = setInterval(() => this.#tellLogs(), lookEveryMs);
    try {
      for (const service of this.services) await this.#lend(service);
      say('edit and save; Ctrl-C gives back what was borrowed');
      while (!stop.aborted) {
        await sleep(lookEveryMs, undefined, { signal: stop }).catch(() => undefined);
        const now = this.#states();
        const saved = savedBetween(states, now).filter(isCompiled);
        states = now;
        if (saved.length > 0) await this.#takeUp(saved, stop);
        else await this.#requireFleet();
      }
    } finally {
      await this.#giveBack();
      this.#tellLogs();
      clearInterval(telling);
    }
  }

  #states() {
    return statesOf(new Set(this.services.flatMap(({ folders }) => folders)));
  }

  async #lend({ name }) {
    const began = Date.now();
    const { replicas } = await this.#ask(`/services/${name}/lend/${process.pid}`);
    this.#replicas.set(name, replicas);
    for (const { name: replica, log } of replicas) this.#logs.set(replica, { log, read: statSync(log).size });
    void this.#tellWhenReady(name, began);
  }

  /** Compiles what was saved and starts anew the services made of it; what does not compile leaves them as they are. */
  async #takeUp(saved, stop) {
    say(`saved: ${saved.map((path) => relative(root, path)).join(', ')}`);
    const concerned = this.services.filter(({ folders }) => saved.some((path) => folders.some((folder) => path.startsWith(`${folder}/`))));
    for (const { name } of concerned) {
      const began = Date.now();
      try {
        await compile(`apps/${name}`);
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        if (!stop.aborted) say(`${error.message}\n${name} goes on as it was`);
        continue;
      }
      await this.#ask(`/services/${name}/restart`);
      void this.#tellWhenReady(name, began);
    }
  }

  /** Says when it can serve; nobody waits for that, since the next save may mend what this one broke. */
  async #tellWhenReady(name, began) {
    this.#began.set(name, began);
    const dead = () => (this.#began.get(name) === began ? undefined : 'out of date');
    try {
      for (const { readyUrl } of this.#replicas.get(name)) await waitFor(name, () => isReady(readyUrl), { timeoutMs: 20_000, dead });
      say(`${name} is ready, from its sources, after ${((Date.now() - began) / 1000).toFixed(1)} s`);
    } catch (error) {
      if (!dead()) say(`${error.message}: its log says why, and the next save starts it again`);
    }
  }

  async #giveBack() {
    this.#began.clear();
    for (const [name, replicas] of this.#replicas) {
      if (!(await askControl(this.instance.controlSocket, 'POST', `/services/${name}/take-back`).catch(() => undefined))) continue;
      for (const { readyUrl } of replicas) await waitFor(name, () => isReady(readyUrl), { timeoutMs: 30_000 });
    }
  }

  async #requireFleet() {
    if (await askControl(this.instance.controlSocket, 'GET', '/status')) return;
    throw new Refusal('The rest of the fleet is not running here: start it with npm start, in another terminal.');
  }

  async #ask(path) {
    try {
      const answer = await askControl(this.instance.controlSocket, 'POST', path);
      if (answer) return answer;
    } catch (error) {
      throw new Refusal(`The running fleet refuses: ${error.message}`);
    }
    return this.#requireFleet();
  }

  /** Prints what the borrowed services have logged since they were borrowed. */
  #tellLogs() {
    for (const [name, tail] of this.#logs) {
      const { size } = statSync(tail.log);
      if (size <= tail.read) continue;
      const file = openSync(tail.log, 'r');
      const bytes = Buffer.alloc(size - tail.read);
      const read = readSync(file, bytes, 0, bytes.length, tail.read);
      closeSync(file);
      // A line that is half written is told when it is whole.
      const end = bytes.subarray(0, read).lastIndexOf('\n') + 1;
      tail.read += end;
      for (const line of bytes.subarray(0, end).toString('utf8').split('\n').slice(0, -1)) console.log(`${name} | ${line}`);
    }
  }
}

const isCompiled = (path) => /\.(ts|json)$/.test(path) && !/\.spec\.ts$/.test(path);

const isReady = async (url) => (await fetch(url, { signal: AbortSignal.timeout(2000) })).ok;

/** @returns the projects that one is made of: itself, and those it refers to. */
function projectsOf(project, known = new Set()) {
  if (known.has(project)) return known;
  known.add(project);
  const { references = [] } = JSON.parse(readFileSync(join(project, 'tsconfig.json'), 'utf8'));
  for (const { path } of references) projectsOf(resolve(project, path), known);
  return known;
}
