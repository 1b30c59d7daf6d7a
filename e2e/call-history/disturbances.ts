import type { Fleet, ProcessName, ServiceName } from '@communication-center/testing';
import type { Chance } from './chance.js';
import type { Evidence } from './evidence.js';

const services: ServiceName[] = ['calls', 'gateway', 'directory', 'presence', 'webhooks', 'notifications', 'media'];

/** What is broken, in an order that chance chooses; all of it once before anything twice. */
const kinds = [
  'kill calls',
  'kill calls',
  'kill gateway',
  'kill any',
  'kill any',
  'drain any',
  'freeze any',
  'kill postgres',
  'kill kafka',
  'kill redis',
  'flush redis',
] as const;

/** Breaks things, one after the other: kills and restarts processes, freezes them, empties Redis. */
export class Disturbances {
  readonly done: Evidence['disturbed'] = [];
  #deck: (typeof kinds)[number][] = [];

  constructor(
    private readonly fleet: Fleet,
    private readonly chance: Chance,
    /** Empties Redis. */
    private readonly flush: () => Promise<void>,
  ) {}

  /** Goes on until `until` says so; everything is mended when it resolves. Now and then two things are broken at a time. */
  async goOn(until: () => boolean): Promise<void> {
    const mending = new Set<Promise<void>>();
    while (!until()) {
      await pause(this.chance.between(500, 2500), until);
      if (until()) break;
      const disturbed = this.#disturb().finally(() => mending.delete(disturbed));
      mending.add(disturbed);
      if (mending.size > 1 || this.chance.percent(60)) await Promise.all(mending);
    }
    await Promise.all(mending);
  }

  async #disturb(): Promise<void> {
    const one = { what: '', from: Date.now(), to: Infinity };
    this.done.push(one);
    one.what = await this.#one();
    one.to = Date.now();
  }

  async #one(): Promise<string> {
    if (this.#deck.length === 0) this.#deck = this.chance.some(kinds, kinds.length);
    const kind = this.#deck.pop() as (typeof kinds)[number];
    switch (kind) {
      case 'kill calls':
        return this.#killReplica('kill', 'calls');
      case 'kill gateway':
        return this.#killReplica('kill', 'gateway');
      case 'kill any':
        return this.#killReplica('kill', this.chance.of(services));
      case 'drain any':
        return this.#killReplica('drain', this.chance.of(services));
      case 'freeze any':
        return this.#freeze();
      case 'kill postgres':
        return this.#restart('postgres');
      case 'kill kafka':
        return this.#restart('kafka');
      case 'kill redis':
        return this.#restart('redis');
      case 'flush redis':
        await this.flush();
        return kind;
      default:
        return kind satisfies never;
    }
  }

  async #killReplica(how: 'kill' | 'drain', service: ServiceName): Promise<string> {
    const replica = this.chance.of(this.fleet.replicasOf(service));
    await this.fleet.control(replica, how);
    await pause(300);
    await this.fleet.replicaReady(replica);
    return `${how} ${replica}`;
  }

  /** A process that hangs is taken for dead, and wakes up. */
  async #freeze(): Promise<string> {
    const replica = this.chance.of(this.fleet.replicasOf(this.chance.of(services)));
    await this.fleet.control(replica, 'freeze');
    await pause(this.chance.between(500, 5000));
    await this.fleet.control(replica, 'thaw');
    await this.fleet.replicaReady(replica);
    return `freeze ${replica}`;
  }

  async #restart(server: ProcessName): Promise<string> {
    await this.fleet.control(server, 'kill');
    await pause(1000);
    for (const service of services) await this.fleet.ready(service, 60_000);
    return `kill ${server}`;
  }
}

async function pause(milliseconds: number, until: () => boolean = () => false): Promise<void> {
  for (const end = Date.now() + milliseconds; Date.now() < end && !until(); ) await new Promise((resolve) => setTimeout(resolve, 50));
}
