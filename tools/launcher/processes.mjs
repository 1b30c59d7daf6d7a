import { spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { say } from './output.mjs';
import { isService } from './registry.mjs';

/** When a process began, in the kernel's ticks; tells a pid from its later namesake. Undefined for a dead one. */
export function startOf(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? undefined : fields[19];
  } catch {
    return isAlive(pid) && !existsSync('/proc/self/stat') ? 'unknown' : undefined;
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

function lastLines(file, count = 15) {
  if (!existsSync(file)) return [];
  const text = readFileSync(file, 'utf8');
  return text.trimEnd().split('\n').slice(-count);
}

/** The processes of one instance: started in their own group, logged to a file each, known by pid files. */
export class Processes {
  #children = new Map();
  #stopping = false;

  constructor(instance) {
    this.instance = instance;
  }

  logOf(name) {
    return join(this.instance.folder, 'logs', `${name}.log`);
  }

  /** Ends what an earlier supervisor left behind when it was killed: services at once, since they survive that; then the servers, politely. */
  async endLeftovers() {
    const folder = join(this.instance.folder, 'pids');
    const left = readdirSync(folder)
      .map((file) => ({ name: file.replace('.json', ''), file: join(folder, file), ...readPid(join(folder, file)) }))
      .filter(({ pid, start }) => pid && start !== undefined && startOf(pid) === start);
    if (left.length > 0) say(`ending what an earlier run left: ${left.map(({ name }) => name).join(', ')}`);
    await Promise.all(left.filter(({ name }) => isService(name)).map(({ pid }) => endGroup(pid, 0)));
    await Promise.all(
      left.filter(({ name }) => !isService(name)).map(({ pid, name }) => endGroup(pid, 10_000, name === 'postgres' ? 'SIGINT' : 'SIGTERM')),
    );
    for (const file of readdirSync(folder)) rmSync(join(folder, file), { force: true });
  }

  /**
   * Starts a process. When it dies unasked, its last lines are said at once and it is started again, with growing pauses.
   * @param {{name: string, command: string, args: string[], env?: object, cwd?: string, uid?: number, gid?: number, stopSignal?: string, abandonSignal?: string}} what
   *   `stopSignal`: what asks it to stop, SIGTERM unless told; `abandonSignal`: what ends it where nothing of it will be used again.
   */
  start(what) {
    // Each run of the supervisor begins a new log; a restart goes on in it.
    const log = openSync(this.logOf(what.name), this.#children.has(what.name) ? 'a' : 'w');
    const child = spawn(what.command, what.args, {
      cwd: what.cwd ?? this.instance.folder,
      env: what.env ?? process.env,
      uid: what.uid,
      gid: what.gid,
      detached: true,
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    const entry = {
      what,
      child,
      pid: child.pid,
      asked: false,
      restarts: this.#children.get(what.name)?.restarts ?? 0,
      startedAt: Date.now(),
    };
    this.#children.set(what.name, entry);
    if (child.pid) writeFileSync(this.#pidFile(what.name), JSON.stringify({ pid: child.pid, start: startOf(child.pid) }));
    entry.exited = new Promise((resolve) => {
      child.once('error', (error) => resolve(`could not start: ${error.message}`));
      child.once('exit', (code, signal) => resolve(signal ? `signal ${signal}` : `exit code ${code}`));
    });
    void entry.exited.then((how) => this.#onExit(entry, how));
    return entry;
  }

  async #onExit(entry, how) {
    entry.dead = how;
    const { name } = entry.what;
    if (entry.asked || this.#stopping || this.#children.get(name) !== entry) return;
    say(`${name} died (${how}). Its last lines, from ${this.logOf(name)}:`);
    for (const line of lastLines(this.logOf(name), 5)) console.log(`      ${line.slice(0, 200)}`);
    if (Date.now() - entry.startedAt > 30_000) entry.restarts = 0;
    entry.restarts += 1;
    await sleep(Math.min(5000, 250 * 2 ** Math.min(entry.restarts, 5)));
    if (entry.asked || this.#stopping || this.#children.get(name) !== entry) return;
    this.start(entry.what);
    say(`${name} was started again`);
  }

  /** Stops one process and keeps it stopped. */
  async stop(name, signal) {
    const entry = this.#children.get(name);
    if (!entry) return;
    entry.asked = true;
    if (!entry.dead) await endGroup(entry.pid, 12_000, signal ?? entry.what.stopSignal);
    await entry.exited;
    rmSync(this.#pidFile(name), { force: true });
  }

  /** Starts a process again that was stopped. */
  startAgain(name) {
    const entry = this.#children.get(name);
    if (entry?.dead) this.start(entry.what);
  }

  /**
   * Stops everything: the services, then the servers they stand on.
   * @param {{keepsData?: boolean}} options whether anybody will want what the servers hold: brokers that leave together hand their
   *   partitions over to each other for ten seconds.
   */
  async stopAll({ keepsData = true } = {}) {
    this.#stopping = true;
    const all = [...this.#children.values()].map(({ what }) => what);
    await Promise.all(all.filter(({ name }) => isService(name)).map(({ name }) => this.stop(name)));
    const servers = all.filter(({ name }) => !isService(name));
    await Promise.all(servers.map(({ name, abandonSignal }) => this.stop(name, keepsData ? undefined : abandonSignal)));
  }

  /** Sends a signal to a process and lets the supervisor see what comes of it. */
  signal(name, signal) {
    const entry = this.#children.get(name);
    if (entry && !entry.dead) process.kill(-entry.pid, signal);
  }

  status() {
    return [...this.#children.values()].map(({ what, pid, dead }) => ({
      name: what.name,
      pid,
      state: dead ? `stopped (${dead})` : 'running',
      log: this.logOf(what.name),
    }));
  }

  /** Whether a process has died since it was started; its way out. */
  deathOf(name) {
    return this.#children.get(name)?.dead;
  }

  #pidFile(name) {
    return join(this.instance.folder, 'pids', `${name}.json`);
  }
}

function readPid(file) {
  try {
    return statSync(file).size > 0 ? JSON.parse(readFileSync(file, 'utf8')) : {};
  } catch {
    return {};
  }
}

/** Ends a process group: politely, then after `patienceMs` by force. */
async function endGroup(pid, patienceMs, signal = 'SIGTERM') {
  const send = (what) => {
    try {
      process.kill(-pid, what);
    } catch {
      // It is gone already.
    }
  };
  send(signal);
  for (const end = Date.now() + patienceMs; Date.now() < end && startOf(pid) !== undefined; ) await sleep(25);
  send('SIGKILL');
}

/** Waits until `check` resolves to true; says what was missing when it does not in time. */
export async function waitFor(what, check, { timeoutMs = 60_000, everyMs = 100, dead = () => undefined } = {}) {
  for (const end = Date.now() + timeoutMs; Date.now() < end; await sleep(everyMs)) {
    if (await check().catch(() => false)) return;
    const death = dead();
    if (death) throw new Error(`${what} died before it was ready (${death})`);
  }
  throw new Error(`${what} was not ready within ${timeoutMs / 1000} s`);
}
