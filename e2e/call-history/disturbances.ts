import { eventually, type Fleet, type ServiceName, serviceNames } from '@communication-center/testing';
import type { Chance } from './chance.js';
import type { Evidence } from './evidence.js';

/** What is broken, in an order that chance chooses; all of it once before anything twice: a minute is enough for that. */
const kinds = [
  'kill calls',
  'kill gateway',
  'kill any',
  'drain any',
  'freeze any',
  'cut off the far host',
  'kill postgres',
  'kill a broker',
  'restart a broker',
  'kill redis',
  'flush redis',
] as const;
type Kind = (typeof kinds)[number];
/** What is broken once more before all begins anew. */
const again: readonly Kind[] = ['kill calls', 'kill any', 'restart a broker'];

/** What is broken besides the fleet's processes. */
export interface Beside {
  /** Empties Redis. */
  flush: () => Promise<void>;
  /** Whether every partition has all its copies in sync: an operator waits for that before the next broker. */
  copiesInSync: () => Promise<boolean>;
}

/** Breaks things, one after the other: kills and restarts processes and brokers, freezes them, cuts a host off, empties Redis. */
export class Disturbances {
  readonly done: Evidence['disturbed'] = [];
  #deck: Kind[] = [];

  constructor(
    private readonly fleet: Fleet,
    private readonly chance: Chance,
    private readonly beside: Beside,
  ) {}

  /** Goes on until `until` says so; everything is mended when it resolves. Now and then two things are broken at a time. */
  async goOn(until: () => boolean): Promise<void> {
    const mending = new Set<Promise<void>>();
    while (!until()) {
      await pause(this.chance.between(300, 1500), until);
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
    if (this.#deck.length === 0) this.#deck = [...this.chance.some(kinds, kinds.length), ...this.chance.some(again, again.length)];
    const kind = this.#deck.shift() as Kind;
    switch (kind) {
      case 'kill calls':
        return this.#killReplica('kill', 'calls');
      case 'kill gateway':
        return this.#killReplica('kill', 'gateway');
      case 'kill any':
        return this.#killReplica('kill', this.chance.of(serviceNames));
      case 'drain any':
        return this.#killReplica('drain', this.chance.of(serviceNames));
      case 'freeze any':
        return this.#freeze();
      case 'cut off the far host':
        return this.#cutOff();
      case 'kill postgres':
        return this.#restart('postgres');
      case 'kill a broker':
        return this.#restartBroker('kill');
      case 'restart a broker':
        return this.#restartBroker('drain');
      case 'kill redis':
        return this.#restart('redis');
      case 'flush redis':
        await this.beside.flush();
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
    const replica = this.chance.of(this.fleet.replicasOf(this.chance.of(serviceNames)));
    await this.fleet.control(replica, 'freeze');
    await pause(this.chance.between(500, 5000));
    await this.fleet.control(replica, 'thaw');
    await this.fleet.replicaReady(replica);
    return `freeze ${replica}`;
  }

  /** Nothing of the far replicas gets through, and nobody is told; then their host is back, and what was under way is lost. */
  async #cutOff(): Promise<string> {
    await this.fleet.control('far-line', 'freeze');
    await pause(this.chance.between(3000, 10_000));
    await this.fleet.control('far-line', 'kill');
    for (const service of serviceNames) await this.fleet.ready(service, 60_000);
    return 'cut off the far host';
  }

  /** Its leaders move to the other brokers, and some seconds after it is back they move home. One broker at a time. */
  async #restartBroker(how: 'kill' | 'drain'): Promise<string> {
    const broker = this.chance.of(this.fleet.brokers);
    await eventually('all copies being in sync', this.beside.copiesInSync, 60_000);
    await this.fleet.restartBroker(broker, how);
    await eventually(`the copies on ${broker} being in sync again`, this.beside.copiesInSync, 90_000);
    for (const service of serviceNames) await this.fleet.ready(service, 60_000);
    return `${how} ${broker}`;
  }

  async #restart(server: 'postgres' | 'redis'): Promise<string> {
    await this.fleet.control(server, 'kill');
    await pause(1000);
    for (const service of serviceNames) await this.fleet.ready(service, 60_000);
    return `kill ${server}`;
  }
}

async function pause(milliseconds: number, until: () => boolean = () => false): Promise<void> {
  for (const end = Date.now() + milliseconds; Date.now() < end && !until(); ) await new Promise((resolve) => setTimeout(resolve, 50));
}
