/*
 * Whatever happens to people, their groups and the rule of their app, in whatever order: a device that watches shows exactly those
 * whom its user may see, where they are; it is told nothing of anybody else, and of who was never seen not even that they are gone.
 */
import {
  type AppId,
  maySee,
  type Presence,
  type PresenceVisibility,
  presenceVisibilitySchema,
  type UserAlias,
} from '@communication-center/contracts';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Watches } from './watches.js';

const app = 'app' as AppId;
const names = ['ann', 'ben', 'cleo', 'dan'] as UserAlias[];
const blank = { doNotDisturb: false, calls: [], devices: [], lastSeenAt: null };

/** A device, as the SDK keeps what it is told. */
class Device {
  readonly shown = new Map<UserAlias, Presence>();

  constructor(readonly userAlias: UserAlias) {}

  take(presence: Presence): void {
    const known = this.shown.get(presence.userAlias);
    if (!known || known.version < presence.version) this.shown.set(presence.userAlias, presence);
  }

  forget(userAliases: readonly UserAlias[]): void {
    for (const userAlias of userAliases) this.shown.delete(userAlias);
  }
}

/** An app in which everybody watches everybody. */
class World {
  rule: PresenceVisibility = 'same_group';
  #sequence = 1;
  readonly people = new Map<UserAlias, Presence>(
    names.map((userAlias) => [userAlias, { userAlias, status: 'online', version: 1, ...blank }]),
  );
  readonly devices = names.map((userAlias) => new Device(userAlias));
  readonly watches = new Watches<Device>();

  constructor() {
    this.watches.noteRule(app, { rule: this.rule, sequence: 1 });
    for (const device of this.devices) {
      this.watches.add(device, { appId: app, userAlias: device.userAlias }, names);
      for (const presence of this.people.values()) this.watches.noteGroups(app, presence);
    }
    for (const device of this.devices) for (const seen of this.watches.seenBy(device, [...this.people.values()])) this.#tell(device, seen);
  }

  move(userAlias: UserAlias, change: Partial<Presence>): void {
    const before = this.people.get(userAlias) as Presence;
    const presence = { ...before, ...change, version: before.version + 1 };
    this.people.set(userAlias, presence);
    const seesOthers = this.watches.noteGroups(app, presence);
    const { seeing, missing } = this.watches.toTell(app, presence);
    for (const device of seeing) this.#tell(device, presence);
    for (const device of missing) {
      // Only who sees somebody now hears that he is gone.
      expect(device.shown.get(userAlias)?.status ?? 'offline').not.toBe('offline');
      device.take({ userAlias, status: 'offline', version: presence.version, ...blank });
    }
    if (seesOthers) this.#lookAgain(userAlias);
  }

  choose(rule: PresenceVisibility): void {
    this.#sequence += 1;
    this.rule = rule;
    this.watches.noteRule(app, { rule, sequence: this.#sequence });
    // What an answer of before says comes late, and changes nothing.
    this.watches.noteRule(app, { rule: 'everyone', sequence: this.#sequence - 1 });
    this.#lookAgain();
  }

  sees(watcher: UserAlias, userAlias: UserAlias): boolean {
    const groups = this.people.get(watcher)?.groups ?? [];
    return maySee(this.rule, { userAlias: watcher, groups }, this.people.get(userAlias) as Presence);
  }

  #lookAgain(watcher?: UserAlias): void {
    for (const { socket, unseen, seen } of this.watches.seenAnew(app, [...this.people.values()], watcher)) {
      socket.forget(unseen);
      for (const presence of seen) this.#tell(socket, presence);
    }
  }

  #tell(device: Device, presence: Presence): void {
    expect(this.sees(device.userAlias, presence.userAlias)).toBe(true);
    device.take(presence);
  }
}

const who = fc.constantFrom(...names);
const groups = fc.subarray(['red', 'blue']);
const act = fc.oneof(
  fc.tuple(who, groups).map(
    ([userAlias, of]) =>
      (world: World) =>
        world.move(userAlias, { groups: of }),
  ),
  fc.tuple(who, who).map(([userAlias, other]) => (world: World) => {
    const calls = [{ callId: 'c', state: 'connected', with: [other], deviceId: null }] as unknown as Presence['calls'];
    world.move(userAlias, { calls, status: 'busy' });
  }),
  who.map((userAlias) => (world: World) => world.move(userAlias, { calls: [], status: 'away' })),
  fc.constantFrom(...presenceVisibilitySchema.options).map((rule) => (world: World) => world.choose(rule)),
);

test('a device shows whom its user may see, and nobody else', () => {
  fc.assert(
    fc.property(fc.array(act, { maxLength: 25 }), (acts) => {
      const world = new World();
      for (const one of acts) {
        one(world);
        for (const device of world.devices) {
          for (const userAlias of names) {
            const shown = device.shown.get(userAlias);
            const { status, version } = world.people.get(userAlias) as Presence;
            if (world.sees(device.userAlias, userAlias)) expect(shown).toMatchObject({ status, version });
            else expect(shown?.status ?? 'offline').toBe('offline');
          }
        }
      }
    }),
    { numRuns: 300 },
  );
});

test('before the rule of an app is known nobody is seen in it but oneself', () => {
  const watches = new Watches<string>();
  watches.add('socket', { appId: app, userAlias: names[0] as UserAlias }, names);
  const presences = names.map((userAlias): Presence => ({ userAlias, status: 'online', version: 1, ...blank }));
  expect(watches.seenBy('socket', presences).map(({ userAlias }) => userAlias)).toEqual(['ann']);
});

test('whoever watches nobody any more leaves nothing behind', () => {
  const watches = new Watches<string>();
  watches.noteRule(app, { rule: 'everyone', sequence: 1 });
  expect(watches.add('socket', { appId: app, userAlias: names[0] as UserAlias }, names)).toEqual(names);
  expect(watches.add('socket', { appId: app, userAlias: names[0] as UserAlias }, names)).toEqual([]);
  watches.drop('socket', names.slice(0, 2));
  expect([watches.isConcernedBy(app, 'cleo' as UserAlias), watches.isConcernedBy(app, 'ben' as UserAlias)]).toEqual([true, false]);
  watches.forget('socket');
  expect([watches.isEmpty, watches.isConcernedBy(app, 'ann' as UserAlias), watches.watchedIn(app)]).toEqual([true, false, []]);
});
