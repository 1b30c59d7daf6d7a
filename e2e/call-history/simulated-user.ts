import type { Call } from '@communication-center/client';
import type { Chance } from './chance.js';
import type { SimulatedDevice } from './simulated-device.js';

/** Somebody with a few devices who dials, answers, declines, hangs up, invites, kicks and loses connections, by chance. */
export class SimulatedUser {
  constructor(
    readonly userAlias: string,
    readonly devices: readonly SimulatedDevice[],
    private readonly others: readonly string[],
    private readonly chance: Chance,
  ) {}

  /** Lives until `until` says so. */
  async live(until: () => boolean): Promise<void> {
    while (!until()) {
      await this.#act();
      await new Promise((resolve) => setTimeout(resolve, this.chance.between(50, 900)));
    }
  }

  /** Leaves every call, as somebody who goes home. */
  async leave(): Promise<void> {
    for (const device of this.devices) {
      for (const call of device.ringing) await device.ask('decline', () => afterwards(call, call.decline()));
      const { current } = device;
      if (current) await device.ask('hang_up', () => afterwards(current, current.hangUp()));
    }
  }

  async #act(): Promise<void> {
    const device = this.chance.of(this.devices);
    if (this.chance.percent(6)) return device.drop();
    const [ring] = device.ringing;
    if (ring) return this.#meetRing(ring, device);
    const busy = this.devices.find(({ current }) => current);
    if (busy?.current) return this.#goOn(busy.current, busy);
    const back = device.center.activeCalls.length === 0 && this.chance.percent(10) ? device.lastLeft : undefined;
    if (back) return device.ask('join', () => afterwards(back, back.join()));
    await device.ask('dial', () => device.center.call(this.chance.some(this.others, this.chance.of([1, 1, 1, 2, 3])), { ringSeconds: 5 }));
  }

  async #meetRing(ring: Call, device: SimulatedDevice): Promise<void> {
    const choice = this.chance.between(1, 100);
    if (choice <= 15) return;
    if (choice <= 30)
      return device.ask('decline', () => afterwards(ring, ring.decline({ reason: this.chance.of(['none', 'busy'] as const) })));
    if (choice <= 35) return device.ask('ignore', () => afterwards(ring, ring.ignore()));
    const hangUpOther = ring.waiting || this.chance.percent(20);
    const all = this.devices.flatMap((one) => one.ringing.filter(({ callId }) => callId === ring.callId).map((call) => ({ one, call })));
    // Now and then all devices are picked up at the same moment.
    const taken = this.chance.percent(30) ? all : all.filter(({ one }) => one === device);
    await Promise.all(taken.map(({ one, call }) => one.ask('answer', () => afterwards(call, call.answer({ hangUpOther })))));
  }

  async #goOn(call: Call, device: SimulatedDevice): Promise<void> {
    const choice = this.chance.between(1, 100);
    const others = call.others.map(({ userAlias }) => userAlias);
    if (choice <= 35) return device.ask('hang_up', () => afterwards(call, call.hangUp()));
    if (choice <= 45) return device.ask('add', () => afterwards(call, call.add([this.chance.of(this.others)], { ringSeconds: 5 })));
    if (choice <= 50 && others.length > 1) return device.ask('kick', () => afterwards(call, call.kick(this.chance.of(others))));
    if (choice <= 55) return device.ask('ring', () => afterwards(call, call.ring([this.chance.of(others)], { ringSeconds: 5 })));
    if (choice <= 58) return device.ask('request_upgrade', () => afterwards(call, call.requestUpgrade()));
  }
}

async function afterwards(call: Call, done: Promise<void>): Promise<Call> {
  await done;
  return call;
}
