import { say } from './output.mjs';
import { startOf } from './processes.mjs';

/** How often is looked whether a borrower lives. */
const lookEveryMs = 500;

/**
 * Services of a running fleet that a developer borrows: each runs from its compiled sources instead of its bundle, in the same
 * place and with the same settings, until it is given back or its borrower is gone.
 */
export class Lending {
  #borrowers = new Map();
  #turn = Promise.resolve();
  #isClosed = false;
  #looking;

  /**
   * @param {import('./processes.mjs').Processes} processes
   * @param {{bundled: object[], compiled: object[]}} ways how each replica starts, as `servicesOf` says: for the fleet, and for a borrower.
   */
  constructor(processes, { bundled, compiled }) {
    this.processes = processes;
    this.bundled = bundled;
    this.compiled = compiled;
    this.#looking = setInterval(() => this.#takeBackWhatIsLeft(), lookEveryMs).unref();
  }

  /**
   * Runs a service from its sources.
   * @param {string} service
   * @param {number} pid the borrower: when it ends, the service is taken back.
   * @returns {Promise<{name: string, readyUrl: string, log: string}[]>} its replicas.
   * @throws Error when the fleet does not run it, or it is lent already.
   */
  async lend(service, pid) {
    const replicas = replicasIn(this.compiled, service);
    if (replicas.length === 0) throw new Error(`${service} is not part of this fleet`);
    const borrower = { pid, start: startOf(pid) };
    if (!isAlive(borrower)) throw new Error(`no process is called ${pid}`);
    const other = this.#borrowers.get(service);
    if (other && isAlive(other)) throw new Error(`${service} is run from its sources already, by process ${other.pid}`);
    this.#borrowers.set(service, borrower);
    say(`${service} runs from its sources, for process ${pid}`);
    await this.#run(this.compiled, service);
    return replicas.map(({ name, readyUrl }) => ({ name, readyUrl, log: this.processes.logOf(name) }));
  }

  /** Starts a lent service anew, from what its sources were compiled to since. */
  async restart(service) {
    if (!this.#borrowers.has(service)) throw new Error(`${service} is not lent`);
    await this.#run(this.compiled, service);
  }

  /** Runs a lent service as the rest of the fleet again. */
  async takeBack(service) {
    if (!this.#borrowers.delete(service)) return;
    await this.#run(this.bundled, service);
    say(`${service} is the fleet's again`);
  }

  /** Whether a process runs from its sources for somebody. */
  isLent(name) {
    return this.#borrowers.has(serviceOf(name));
  }

  /** Starts nothing any more; resolves when what was under way has ended. */
  async close() {
    this.#isClosed = true;
    clearInterval(this.#looking);
    await this.#turn;
  }

  /** One after the other: what is asked for while a service stops and starts comes after that. */
  #run(ways, service) {
    const done = this.#turn.then(async () => {
      for (const replica of replicasIn(ways, service)) {
        if (this.#isClosed) return;
        await this.processes.stop(replica.name);
        if (!this.#isClosed) this.processes.start(replica);
      }
    });
    this.#turn = done.catch(() => undefined);
    return done;
  }

  #takeBackWhatIsLeft() {
    for (const [service, borrower] of this.#borrowers) {
      if (isAlive(borrower)) continue;
      say(`process ${borrower.pid}, which had borrowed ${service}, is gone`);
      void this.takeBack(service);
    }
  }
}

const isAlive = ({ pid, start }) => start !== undefined && startOf(pid) === start;

const serviceOf = (name) => name.replace(/-\d+$/, '');

const replicasIn = (ways, service) => ways.filter(({ name }) => serviceOf(name) === service);
