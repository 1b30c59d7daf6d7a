import type { Fleet, ProcessName, ServiceName } from '@communication-center/testing';
import type { Chance } from './chance.js';
import type { Evidence } from './evidence.js';

const services: ServiceName[] = ['calls', 'calls', 'gateway', 'gateway', 'directory', 'presence', 'webhooks', 'notifications', 'media'];

/** Breaks things, one after the other: kills and restarts processes, freezes them, empties Redis. */
export class Disturbances {
  readonly done: Evidence['disturbed'] = [];

  constructor(
    private readonly fleet: Fleet,
    private readonly chance: Chance,
    /** Empties Redis. */
    private readonly flush: () => Promise<void>,
  ) {}

  /** Goes on until `until` says so; the last one is mended when it resolves. */
  async goOn(until: () => boolean): Promise<void> {
    while (!until()) {
      await pause(this.chance.between(1500, 4000), until);
      if (until()) return;
      await this.#disturb();
    }
  }

  async #disturb(): Promise<void> {
    const from = Date.now();
    const what = await this.#one();
    this.done.push({ what, from, to: Date.now() });
  }

  async #one(): Promise<string> {
    const choice = this.chance.between(1, 100);
    if (choice <= 50) return this.#killReplica('kill');
    if (choice <= 60) return this.#killReplica('drain');
    if (choice <= 70) return this.#freeze();
    if (choice <= 80) return this.#restart('postgres');
    if (choice <= 90) return this.#restart('kafka');
    if (choice <= 95) return this.#restart('redis');
    await this.flush();
    return 'flush redis';
  }

  async #killReplica(how: 'kill' | 'drain'): Promise<string> {
    const service = this.chance.of(services);
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
    for (const service of new Set(services)) await this.fleet.ready(service, 60_000);
    return `kill ${server}`;
  }
}

async function pause(milliseconds: number, until: () => boolean = () => false): Promise<void> {
  for (const end = Date.now() + milliseconds; Date.now() < end && !until(); ) await new Promise((resolve) => setTimeout(resolve, 50));
}
