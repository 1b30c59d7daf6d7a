/*
 * An event begins a chain for each receiver of each rule that is for it, once; what later events of its call say of it is said once as well.
 */
import type { CallEvent, RuleView, UserAlias } from '@communication-center/contracts';
import { expect, test } from 'vitest';
import { beginningsOf, groupsIn, mayBeTold, type RuledEvent, reachingOf, typesOfRules } from './begin-chains.js';
import { defaultRules, rulesOf } from './default-rules.js';

const event = (type: string, data: object) =>
  ({ type, time: '2026-11-28T10:00:00.000Z', data: { audience: ['alice', 'bob', 'carol'], ...data } }) as unknown as RuledEvent;
const rule = (more: Partial<RuleView>): RuleView => ({
  ...{ ruleId: 'mine', isDefault: false, enabled: true, on: 'call.missed', to: { kind: 'callee' }, when: {}, withinSeconds: 60 },
  steps: [{ afterSeconds: 0, channel: 'email', template: 't' }],
  ...more,
});
const missed = event('call.missed', { userAlias: 'bob', initiator: 'alice', reason: 'no_answer' });
const receivers = (of: RuledEvent, rules: RuleView[], members = new Map<string, UserAlias[]>()) =>
  beginningsOf(of, rules, members).map(({ to }) => ('userAlias' in to ? to.userAlias : to.email));

test('each kind of receiver is who it says', () => {
  const dialed = event('call.dialed', { initiator: 'alice', callees: ['bob', 'carol'] });
  expect(receivers(missed, [rule({})])).toEqual(['bob']);
  expect(receivers(dialed, [rule({ on: 'call.dialed' })])).toEqual(['bob', 'carol']);
  expect(receivers(missed, [rule({ to: { kind: 'initiator' } })])).toEqual(['alice']);
  expect(receivers(missed, [rule({ to: { kind: 'participants' } })])).toEqual(['alice', 'bob', 'carol']);
  expect(receivers(missed, [rule({ to: { kind: 'address', email: 'desk@example.com' } })])).toEqual(['desk@example.com']);
  const members = new Map([['support', ['dan', 'eve'] as UserAlias[]]]);
  const ofGroup = [rule({ to: { kind: 'group', group: 'support' } })];
  expect(groupsIn(ofGroup, missed)).toEqual(['support']);
  expect(receivers(missed, ofGroup, members)).toEqual(['dan', 'eve']);
});

test('who called, and why it ended, is known of every event', () => {
  const busy = event('call.busy', { userAlias: 'bob' });
  expect(beginningsOf(busy, [rule({ on: 'call.busy' })], new Map())[0]?.about).toMatchObject({ initiator: 'alice', reason: 'busy' });
  const declined = event('call.declined', { userAlias: 'bob', deviceId: null, reason: 'do_not_disturb' });
  expect(beginningsOf(declined, [rule({ on: 'call.declined' })], new Map())[0]?.about.reason).toBe('do_not_disturb');
});

test('a rule that is switched off, or for another event, begins nothing', () => {
  expect(receivers(missed, [rule({ enabled: false }), rule({ on: 'call.busy' })])).toEqual([]);
  expect(mayBeTold({ type: 'call.hand_raised' } as CallEvent)).toBe(false);
});

test('an app has the rules by default until it saves or takes away its own', () => {
  expect(rulesOf([])).toEqual(defaultRules);
  expect(rulesOf([{ ruleId: 'missed-call', rule: rule({ ruleId: 'missed-call', enabled: false }) }])).toMatchObject([
    { ruleId: 'missed-call', isDefault: false, enabled: false },
    { ruleId: 'busy-alert', isDefault: true },
  ]);
  expect(rulesOf([{ ruleId: 'busy-alert', rule: null }]).map(({ ruleId }) => ruleId)).toEqual(['missed-call']);
});

test('what is declined by the Center reaches nobody; by a device it does', () => {
  const declinedOn = (deviceId: string | null) =>
    reachingOf(event('call.declined', { userAlias: 'bob', deviceId, reason: 'busy' }) as CallEvent);
  expect(declinedOn(null)).toBeUndefined();
  expect(declinedOn('phone')).toEqual({ userAlias: 'bob', rang: true, reached: 'took_the_call' });
  expect(reachingOf(event('call.ended', { reason: 'cancelled' }) as CallEvent)).toMatchObject({ userAlias: null, reached: 'ring_ended' });
});

test('of an app’s events those are read that its rules have anything to do with', () => {
  const read = (rules: RuleView[]) => [...typesOfRules(rules)].toSorted();
  const taken = ['call.answered', 'call.declined', 'call.joined'];
  expect(read(rulesOf([]))).toEqual([...taken, 'call.busy', 'call.missed'].toSorted());
  expect(read([rule({ enabled: false })])).toEqual([]);
  // What waits for a ring, or for its time, ends with what is heard meanwhile.
  const reaching = [...taken, 'call.ended', 'call.missed', 'call.ringing'];
  expect(read([rule({ on: 'call.dialed' })])).toEqual([...reaching, 'call.dialed'].toSorted());
  expect(read([rule({ steps: [{ afterSeconds: 5, channel: 'email', template: 't' }] })])).toEqual(reaching.toSorted());
});

test('each event that says anything of a chain under way is one of these', () => {
  const types = typesOfRules([rule({ on: 'call.dialed' })]);
  for (const type of ['call.ringing', 'call.answered', 'call.joined', 'call.declined', 'call.missed', 'call.ended', 'call.hand_raised'])
    expect([type, types.has(type)]).toEqual([
      type,
      reachingOf(event(type, { userAlias: 'bob', deviceId: 'd' }) as CallEvent) !== undefined,
    ]);
});
