/*
 * An event of a call among people who are remembered takes one statement, and comes to what a look would have come to: whoever
 * folds beside it, whatever comes again, is marked, is set aside, or is forgotten. Where it cannot be sure, it looks.
 */
import type { Presence } from '@communication-center/contracts';
import { InfrastructureError, type Sql } from '@communication-center/event-log';
import { Fleet, TestSchema } from '@communication-center/testing';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { presenceOf } from '../domain/presence-of.js';
import { migrations } from '../migrations/index.js';
import { readKnown } from '../publish-changes/look-at.js';
import { markToLookAt } from '../publish-changes/marks.js';
import { answered, app, at, dialed, ended, newId, noting, replica, ringing, sessionEvent } from './replica.fixture.js';

const fleet = new Fleet();
const people = ['alice', 'bob', 'carol'];
const pair = ['alice', 'bob'];
let schema: TestSchema;
let statements: string[];
let alone: string[];

beforeEach(async () => {
  [statements, alone] = [[], []];
  schema = await TestSchema.migrated(fleet, migrations);
  await schema.query(
    "INSERT INTO known_users (app_id, user_alias, sequence, deleted) SELECT 'app', name, 1, false FROM unnest($1::text[]) AS name",
    [people],
  );
});

afterEach(() => schema.drop());

const noted = () => replica(noting(schema, statements, alone));

async function said(): Promise<Record<string, Presence>> {
  const { rows } = await schema.query<{ name: string; published: Presence }>(
    'SELECT user_alias AS name, published FROM people WHERE published IS NOT NULL',
  );
  return Object.fromEntries(rows.map(({ name, published }) => [name, published]));
}

/** What a look at everybody finds. */
async function found(): Promise<Record<string, object>> {
  const looks = await readKnown(
    schema as Sql,
    people.map((userAlias) => ({ appId: app, userAlias: userAlias as never })),
  );
  return Object.fromEntries(looks.flatMap(({ userAlias, known }) => (known ? [[userAlias, presenceOf(known)]] : [])));
}

/** Whoever is remembered has been in a call before, and has a device. */
async function remember({ apply }: ReturnType<typeof replica>, names = pair): Promise<void> {
  for (const name of names) await apply('sessions.events', [sessionEvent(newId(), 1, 'session.opened', name)]);
  [statements.length, alone.length] = [0, 0];
}

async function expectExact(): Promise<void> {
  const readings = await said();
  for (const [name, presence] of Object.entries(await found())) {
    const { version, ...reading } = readings[name] ?? { version: 0 };
    if (version > 0) expect(reading, name).toEqual(presence);
  }
  const { rows } = await schema.query<{ name: string; version: number; presence: Presence; time: string }>(
    "SELECT key AS name, (event->>'sequence')::int AS version, event->'data' AS presence, event->>'time' AS time FROM outbox ORDER BY id",
  );
  for (const [name, ofOne] of Map.groupBy(rows, (row) => row.name)) {
    expect(ofOne.map(({ version }) => version)).toEqual(ofOne.map((_, index) => index + 1));
    expect(ofOne.at(-1)?.presence).toEqual(readings[name.slice(app.length + 1)]);
    for (const { time } of ofOne) expect(Math.abs(Date.parse(time) - Date.now())).toBeLessThan(60_000);
  }
  const { rows: changes } = await schema.query<{ presence: Presence }>('SELECT presence FROM bucket_changes ORDER BY bucket, position');
  for (const [name, ofOne] of Map.groupBy(changes, ({ presence }) => presence.userAlias as string))
    expect(
      ofOne.map(({ presence }) => presence.version),
      name,
    ).toEqual(ofOne.map((_, index) => index + 1));
}

test('each event of a call among people who are remembered takes one statement and no transaction around it', async () => {
  const one = noted();
  await remember(one);
  const callId = newId();
  await one.apply('calls.events', [dialed(callId, 'alice', 'bob')]);
  await one.apply('calls.events', [ringing(callId, 'alice', 'bob')]);
  await one.apply('calls.events', [answered(callId, 3, pair, 'bob')]);
  expect(await said()).toMatchObject({ alice: { calls: [{ state: 'connected', with: ['bob'] }] }, bob: { status: 'busy', version: 3 } });
  await expectExact();
  await one.apply('calls.events', [ended(callId, 4, pair)]);
  expect(await said()).toMatchObject({ alice: { status: 'online', calls: [], version: 4 }, bob: { status: 'online' } });
  expect({ statements, alone }).toEqual({ statements: [], alone: Array(4).fill(expect.stringContaining('tell_of_calls')) });
  await expectExact();
});

test('what another replica has learnt, though it told nobody of it, is not overlooked', async () => {
  const [one, other] = [noted(), replica(schema)];
  const [first, second, callId] = [newId(), newId(), newId()];
  await other.apply('sessions.events', [sessionEvent(first, 1, 'session.opened', 'bob'), sessionEvent(second, 1, 'session.opened', 'bob')]);
  await remember(one, ['alice']);
  await one.apply('calls.events', [dialed(callId, 'alice', 'bob')]);
  // A busy device is busy whether its tabs are open or away.
  await other.apply('sessions.events', [
    sessionEvent(first, 2, 'session.went_away', 'bob'),
    sessionEvent(second, 2, 'session.closed', 'bob'),
  ]);
  await one.apply('calls.events', [ended(callId, 2, pair)]);
  expect(await said()).toMatchObject({ bob: { status: 'away' }, alice: { status: 'online' } });
  await expectExact();
});

test('somebody who is marked is looked at, and whoever was set aside is left to that', async () => {
  const one = noted();
  await remember(one);
  await schema.query("UPDATE known_users SET do_not_disturb = true WHERE user_alias = 'bob'");
  await markToLookAt(schema as Sql, [{ appId: app, userAlias: 'bob' as never }]);
  const callId = newId();
  await one.apply('calls.events', [dialed(callId, 'alice', 'bob')]);
  expect(await said()).toMatchObject({ bob: { doNotDisturb: true, status: 'busy' } });
  await schema.query('UPDATE people_to_look_at SET tries = 1, try_at = now()');
  await one.apply('calls.events', [ended(callId, 2, pair)]);
  expect(await said()).toMatchObject({ alice: { status: 'online' }, bob: { status: 'busy' } });
  await one.publisher.tryAgain();
  expect(await said()).toMatchObject({ bob: { status: 'do_not_disturb' } });
  await expectExact();
});

test('two events about one person at the same moment, both from memory, are told one after the other', async () => {
  const replicas = [noted(), noted()] as const;
  await remember(replicas[0], people);
  for (let round = 0; round < 25; round += 1) {
    const ids = [newId(), newId()] as const;
    // Both have looked, or told, before.
    const [one, other] = [replicas[0], round % 2 ? replicas[0] : replicas[1]];
    await Promise.all([
      one.apply('calls.events', [dialed(ids[0], 'alice', 'bob')]),
      other.apply('calls.events', [dialed(ids[1], 'carol', 'bob')]),
    ]);
    expect((await said()).bob?.calls).toHaveLength(2);
    await Promise.all([
      one.apply('calls.events', [ended(ids[0], 2, pair)]),
      other.apply('calls.events', [ended(ids[1], 2, ['carol', 'bob'])]),
    ]);
    expect((await said()).bob?.calls).toEqual([]);
  }
  expect(alone.length).toBeGreaterThan(25);
  await expectExact();
});

test('a call that is told of again, by whomever, does not begin anew', async () => {
  const one = noted();
  await remember(one);
  const callId = newId();
  const dial = dialed(callId, 'alice', 'bob');
  await one.apply('calls.events', [dial, answered(callId, 2, pair, 'bob'), ended(callId, 3, pair)]);
  await one.apply('calls.events', [dial]);
  expect(await said()).toMatchObject({ alice: { calls: [] }, bob: { status: 'online', calls: [] } });
  await remember(one);
  await one.apply('calls.events', [dialed(newId(), 'alice', 'bob'), dial]);
  expect((await said()).bob?.calls).toHaveLength(1);
  await expectExact();
});

test('while a rebuild takes the tables’ place nothing is told, and it is tried again', async () => {
  const one = noted();
  await remember(one);
  const events = [dialed(newId(), 'alice', 'bob')];
  await schema.transaction(async (tx) => {
    await one.projection.keepOutLive(tx as never);
    await expect(one.apply('calls.events', events)).rejects.toThrow(InfrastructureError);
  });
  expect(await said()).toMatchObject({ bob: { status: 'online' } });
  await one.apply('calls.events', events);
  expect(await said()).toMatchObject({ bob: { status: 'busy' } });
  await expectExact();
});

test('what fails is told when it comes again', async () => {
  let isFailing = true;
  const failing = noting(schema, statements, alone);
  const one = replica({
    ...failing,
    transaction: (work) =>
      failing.transaction((tx) =>
        work({
          ...tx,
          alone: async (text, values) => {
            if (isFailing) throw new Error('Connection terminated');
            return tx.alone(text, values);
          },
        }),
      ),
  });
  await remember(one);
  const events = [dialed(newId(), 'alice', 'bob')];
  await expect(one.apply('calls.events', events)).rejects.toThrow('terminated');
  isFailing = false;
  await one.apply('calls.events', events);
  expect(await said()).toMatchObject({ alice: { status: 'busy' }, bob: { status: 'busy' } });
  await expectExact();
});

type Step =
  | { is: 'call'; caller: string; callee: string }
  | { is: 'goOn'; call: number }
  | { is: 'again'; call: number }
  | { is: 'session'; name: string; how: 'opened' | 'away' | 'back' | 'closed' }
  | { is: 'mark'; name: string }
  | { is: 'publish' };
type By = { step: Step; replica: 0 | 1; isBeside: boolean };

const name = fc.constantFrom(...people);
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ is: fc.constant('call' as const), caller: name, callee: name }).filter(({ caller, callee }) => caller !== callee),
  { weight: 4, arbitrary: fc.record({ is: fc.constant('goOn' as const), call: fc.nat(5) }) },
  fc.record({ is: fc.constant('again' as const), call: fc.nat(5) }),
  fc.record({ is: fc.constant('session' as const), name, how: fc.constantFrom('opened', 'away', 'back', 'closed') }),
  fc.record({ is: fc.constant('mark' as const), name }),
  fc.record({ is: fc.constant('publish' as const) }),
);
const steps = fc.array(fc.record({ step, replica: fc.constantFrom(0 as const, 1 as const), isBeside: fc.boolean() }), {
  maxLength: 30,
  size: 'max',
});

/** Tells two replicas of calls and sessions, some of it side by side. A call, and a session, is told in order. */
class Story {
  readonly #replicas = [noted(), noted()];
  readonly #calls: { id: string; members: string[]; told: object[]; isOver: boolean }[] = [];
  readonly #sessions = new Map<string, { id: string; sequence: number }>();

  async play(by: readonly By[]): Promise<void> {
    let beside: Promise<unknown>[] = [];
    const touched = new Set<string>();
    for (const one of by) {
      const subject = this.#subjectOf(one.step);
      if (!one.isBeside || touched.has(subject)) {
        await Promise.all(beside);
        beside = [];
        touched.clear();
      }
      touched.add(subject);
      beside.push(this.#play(one));
    }
    await Promise.all(beside);
    await this.#replicas[0]?.publisher.publishMarked();
  }

  #subjectOf(one: Step): string {
    if (one.is === 'goOn' || one.is === 'again') return `call ${this.#calls.length ? one.call % this.#calls.length : ''}`;
    if (one.is === 'call') return `call ${this.#calls.length}`;
    return one.is === 'session' ? one.name : newId();
  }

  async #play({ step: one, replica: at }: By): Promise<void> {
    const { apply, publisher } = this.#replicas[at] as ReturnType<typeof replica>;
    if (one.is === 'publish') await publisher.publishMarked();
    else if (one.is === 'mark') await markToLookAt(schema as Sql, [{ appId: app, userAlias: one.name as never }]);
    else if (one.is === 'session') await apply('sessions.events', [this.#sessionEvent(one)]);
    else await apply('calls.events', this.#callEvents(one));
  }

  #callEvents(one: Extract<Step, { is: 'call' | 'goOn' | 'again' }>): object[] {
    if (one.is === 'call') {
      const [id, members] = [newId(), [one.caller, one.callee]];
      const told = [dialed(id, one.caller, one.callee)];
      this.#calls.push({ id, members, told, isOver: false });
      return told.slice();
    }
    const call = this.#calls[one.call % this.#calls.length];
    if (!call) return [];
    if (one.is === 'again') return call.told.slice();
    if (call.isOver) return [];
    const sequence = call.told.length + 1;
    const next = sequence === 2 ? answered(call.id, 2, call.members, call.members[1] as string) : ended(call.id, sequence, call.members);
    call.isOver = sequence > 2;
    call.told.push(next);
    return [next];
  }

  #sessionEvent({ name: who, how }: { name: string; how: 'opened' | 'away' | 'back' | 'closed' }): object {
    const session = this.#sessions.get(who) ?? { id: newId(), sequence: 0 };
    session.sequence += 1;
    this.#sessions.set(who, session);
    if (how === 'closed') this.#sessions.delete(who);
    const types = { opened: 'session.came_back', away: 'session.went_away', back: 'session.came_back', closed: 'session.closed' };
    return sessionEvent(session.id, session.sequence, session.sequence === 1 ? 'session.opened' : types[how], who, at);
  }
}

test('whatever two replicas are told, in turn and side by side, the readings are those of a look at everybody', async () => {
  let toldAtOnce = 0;
  await fc.assert(
    fc
      .asyncProperty(steps, async (by) => {
        await new Story().play(by);
        await expectExact();
        toldAtOnce += alone.length;
      })
      .beforeEach(async () => {
        [statements.length, alone.length] = [0, 0];
        for (const table of [
          'device_sessions',
          'seen_devices',
          'current_calls',
          'people',
          'people_to_look_at',
          'outbox',
          'bucket_changes',
          'bucket_positions',
        ])
          await schema.query(`DELETE FROM ${table}`);
      }),
    { numRuns: 40 },
  );
  expect(toldAtOnce, 'the way that is tested was gone').toBeGreaterThan(40);
});
