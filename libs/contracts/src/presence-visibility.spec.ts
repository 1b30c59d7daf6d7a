/*
 * Who sees whom: by one rule of the app, which needs nothing but who looks and at whom; whoever looks at themselves sees themselves,
 * and in an app without groups everybody sees everybody unless the app chose otherwise.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { UserAlias } from './ids.js';
import { farewellOf, maySee, type PresenceVisibility, presenceVisibilitySchema, toldToUsers, type Viewed } from './presence-visibility.js';

const alias = fc.constantFrom('ann', 'ben', 'cleo', 'dan') as fc.Arbitrary<UserAlias>;
const groups = fc.uniqueArray(fc.constantFrom('red', 'green', 'blue'));
const rule = fc.constantFrom<PresenceVisibility>(...presenceVisibilitySchema.options);
const viewer = fc.record({ userAlias: alias, groups });
const viewed = fc
  .record({ userAlias: alias, groups, calls: fc.array(fc.uniqueArray(alias), { maxLength: 2 }) })
  .map(({ calls, ...who }) => ({
    ...who,
    calls: calls.map((others) => ({ callId: 'c', state: 'connected', with: others, deviceId: null })),
  })) as unknown as fc.Arbitrary<Viewed>;

test('whoever looks at themselves sees themselves, by every rule', () => {
  fc.assert(
    fc.property(rule, viewer, viewed, (by, who, whom) => {
      expect(maySee(by, who, { ...whom, userAlias: who.userAlias })).toBe(true);
    }),
  );
});

test('each rule lets no more be seen than the next wider one', () => {
  fc.assert(
    fc.property(viewer, viewed, (who, whom) => {
      const sees = (by: PresenceVisibility) => Number(maySee(by, who, whom));
      expect(sees('everyone')).toBe(1);
      for (const by of ['same_group', 'in_call'] as const) expect(sees('keys_only')).toBeLessThanOrEqual(sees(by));
    }),
  );
});

test('groups are shared by both or by neither, and those who have none share that', () => {
  fc.assert(
    fc.property(viewer, viewer, (one, other) => {
      const sees = (who: typeof one, whom: typeof one) => maySee('same_group', who, { ...whom, calls: [] });
      expect(sees(one, other)).toBe(sees(other, one));
      if (one.userAlias === other.userAlias) return;
      const isShared = one.groups.some((group) => other.groups.includes(group));
      expect(sees(one, other)).toBe(isShared || (one.groups.length === 0 && other.groups.length === 0));
    }),
  );
});

test('where no groups are used everybody sees everybody by the rule that holds unless the app chooses', () => {
  fc.assert(
    fc.property(alias, viewed, (userAlias, { groups: _, ...whom }) => {
      expect(maySee('same_group', { userAlias, groups: [] }, whom)).toBe(true);
    }),
  );
});

test('in a call people see each other as long as it goes on, and nobody else sees them', () => {
  fc.assert(
    fc.property(viewer, viewed, (who, whom) => {
      const isWith = whom.calls.some((call) => call.with.includes(who.userAlias));
      expect(maySee('in_call', who, whom)).toBe(isWith || who.userAlias === whom.userAlias);
      expect(maySee('in_call', who, { ...whom, calls: [] })).toBe(who.userAlias === whom.userAlias);
    }),
  );
});

test('users are told no groups, and of who is hidden the same last word as of who was deleted', () => {
  const presence = { ...farewellOf({ userAlias: 'ann' as UserAlias, version: 3 }), groups: ['red'] };
  expect(toldToUsers(presence)).not.toHaveProperty('groups');
  expect(Object.keys(farewellOf(presence)).toSorted()).toEqual(Object.keys(toldToUsers(presence)).toSorted());
});
