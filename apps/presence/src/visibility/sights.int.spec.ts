/*
 * Among many, those are read whom the rule holds: what the statement finds is what the rule decides of each.
 */
import { type AppId, type Presence, presenceSchema, presenceVisibilitySchema, type UserAlias } from '@communication-center/contracts';
import { Fleet, TestSchema } from '@communication-center/testing';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { migrations } from '../migrations/index.js';
import { PresenceStore } from '../read-presence/presence-store.js';
import { Sights, sees } from './sights.js';

const fleet = new Fleet();
const app = 'app' as AppId;
const names = ['ann', 'ben', 'cleo', 'dan', 'eve'] as UserAlias[];
let schema: TestSchema;

beforeAll(async () => {
  schema = await TestSchema.migrated(fleet, migrations);
});
afterAll(() => schema.drop());

const person = (userAlias: UserAlias) =>
  fc.record({ groups: fc.subarray(['red', 'green', 'blue']), others: fc.subarray(names) }).map(
    ({ groups, others }): Presence => ({
      userAlias,
      status: others.length > 0 ? 'busy' : 'online',
      doNotDisturb: false,
      version: 1,
      calls:
        others.length > 0
          ? [{ callId: '01890000-0000-7000-8000-000000000001' as never, state: 'connected', with: others, deviceId: null }]
          : [],
      devices: [],
      lastSeenAt: null,
      ...(groups.length > 0 && { groups }),
    }),
  );

async function publish(people: readonly Presence[]): Promise<void> {
  await schema.query('DELETE FROM people');
  for (const one of people)
    await schema.query('INSERT INTO people (app_id, user_alias, version, published, status) VALUES ($1, $2, 1, $3, $4)', [
      app,
      one.userAlias,
      JSON.stringify(one),
      one.status,
    ]);
}

test('a page of everybody holds whom the rule lets be seen, each, in order, and no groups', async () => {
  const store = new PresenceStore(schema as never);
  await fc.assert(
    fc.asyncProperty(
      fc.tuple(...names.map(person)),
      fc.constantFrom(...presenceVisibilitySchema.options),
      fc.constantFrom(...names),
      fc.subarray(['red', 'green', 'blue']),
      fc.constantFrom(undefined, 'online' as const, 'busy' as const),
      async (people, rule, userAlias, groups, status) => {
        await publish(people);
        const sight = { rule, viewer: { userAlias, groups } };
        const read: Presence[] = [];
        for (let cursor: string | undefined; ; ) {
          const page = await store.list(app, { limit: 2, ...(status && { status }), ...(cursor && { cursor }) }, sight);
          read.push(...page.presences);
          if (page.nextCursor === null) break;
          cursor = page.nextCursor;
        }
        const seen = people.filter((one) => sees(sight, one) && (!status || one.status === status));
        expect(read.map((one) => one.userAlias)).toEqual(seen.map((one) => one.userAlias));
        expect(read.some((one) => 'groups' in one)).toBe(false);
      },
    ),
    { numRuns: 60 },
  );
});

test('who is hidden and who does not exist are refused alike', async () => {
  const store = new PresenceStore(schema as never);
  await publish([presenceSchema.parse({ ...fc.sample(person('ben' as UserAlias), 1)[0], groups: ['red'], calls: [] })]);
  const sight = { rule: 'same_group' as const, viewer: { userAlias: 'ann' as UserAlias, groups: ['blue'] } };
  const refusalOf = (userAlias: string) =>
    store.get(app, userAlias as UserAlias, sight).catch((error: { code: string; message: string }) => ({
      code: error.code,
      message: error.message.replace(userAlias, 'X'),
    }));
  expect(await refusalOf('ben')).toEqual(await refusalOf('nobody'));
  expect(await store.some(app, ['ben', 'nobody'] as UserAlias[], sight)).toEqual([]);
  expect((await store.get(app, 'ben' as UserAlias)).groups).toEqual(['red']);
});

test('what users see is read of several at once, in their order', async () => {
  await schema.query("INSERT INTO known_users (app_id, user_alias, sequence, deleted, groups) VALUES ('app', 'ann', 1, false, '{red}')");
  const rules = { of: async () => ({ rule: 'same_group' as const, sequence: 1 }) };
  const sights = new Sights({ of: () => schema } as never, rules);
  const asked = ['ben', 'ann'].map((userAlias) => ({ appId: app, userAlias: userAlias as UserAlias }));
  expect((await sights.ofEach(asked)).map(({ viewer }) => viewer)).toEqual([
    { userAlias: 'ben', groups: [] },
    { userAlias: 'ann', groups: ['red'] },
  ]);
});
