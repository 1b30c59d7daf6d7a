/*
 * A chain ends as soon as its receiver was reached, or what it asks for does not hold any more; a step that cannot be taken is passed
 * over, quiet hours are waited for, and nothing is sent after its time.
 */
import type { Conditions, RuleStep } from '@communication-center/contracts';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Chain, type Facts, nextAct } from './next-act.js';

const step = (channel: 'push' | 'email', when?: Conditions): RuleStep => ({
  afterSeconds: 0,
  channel,
  template: 't',
  ...(when && { when }),
});
const at = new Date('2026-11-28T10:00:00Z');
const chain = (more: Partial<Chain> = {}): Chain => ({
  steps: [step('push'), step('email')],
  when: { offline: true },
  about: { event: 'call.missed', at: at.toISOString(), initiator: 'alice', userAlias: 'bob', reason: 'no_answer' } as never,
  step: 0,
  until: at.getTime() + 3_600_000,
  ...more,
});
const facts = (more: Partial<Facts> = {}): Facts => ({
  now: at,
  online: false,
  rang: false,
  doNotDisturb: false,
  timeZone: null,
  reached: null,
  closed: {},
  ...more,
});

test('the steps are taken one after the other, and then it is done', () => {
  expect(nextAct(chain(), facts())).toMatchObject({ act: 'send', step: { channel: 'push' } });
  expect(nextAct(chain({ step: 1 }), facts())).toMatchObject({ act: 'send', step: { channel: 'email' } });
  expect(nextAct(chain({ step: 2 }), facts())).toMatchObject({ act: 'end', outcome: 'done' });
});

test('whoever took the call, opened a notification or came online is told no more', () => {
  expect(nextAct(chain({ step: 1 }), facts({ reached: 'took_the_call' }))).toMatchObject({ outcome: 'reached', reason: 'took_the_call' });
  expect(nextAct(chain({ step: 1 }), facts({ online: true }))).toMatchObject({ outcome: 'not_wanted', reason: 'offline is false' });
});

test('a channel that is closed is passed over, with why', () => {
  const closed = { push: 'no device is registered' };
  expect(nextAct(chain(), facts({ closed }))).toEqual({ act: 'pass', reason: 'no device is registered' });
});

test('the conditions of a step pass it over; those of the rule end it', () => {
  const steps = [step('push', { doNotDisturb: false }), step('email')];
  expect(nextAct(chain({ steps }), facts({ doNotDisturb: true })).act).toBe('pass');
  expect(nextAct(chain({ when: { doNotDisturb: false } }), facts({ doNotDisturb: true })).act).toBe('end');
  expect(nextAct(chain({ when: { reasons: ['busy'] } }), facts())).toMatchObject({ reason: 'the reason is no_answer' });
  expect(nextAct(chain({ when: { noDeviceReached: true } }), facts({ rang: true })).act).toBe('end');
});

test('quiet hours are waited for, where that leaves time, or passed over', () => {
  const quietHours = { from: '09:00', to: '10:30', timeZone: 'UTC', meanwhile: 'wait' as const };
  expect(nextAct(chain({ quietHours }), facts())).toEqual({ act: 'wait', until: new Date('2026-11-28T10:30:00Z') });
  expect(nextAct(chain({ quietHours, until: at.getTime() + 60_000 }), facts())).toMatchObject({ outcome: 'expired' });
  expect(nextAct(chain({ quietHours: { ...quietHours, meanwhile: 'skip' } }), facts()).act).toBe('pass');
});

test('whatever is known: who was reached is sent nothing, nothing is sent after its time or where a condition fails, and a chain ends', () => {
  const maybe = fc.option(fc.boolean(), { nil: undefined });
  const when = fc.record({ offline: maybe, noDeviceReached: maybe, busy: maybe, doNotDisturb: maybe });
  const steps = fc.array(fc.record({ channel: fc.constantFrom('push' as const, 'email' as const), when }), { minLength: 1, maxLength: 6 });
  const known = fc.record({
    online: fc.boolean(),
    rang: fc.boolean(),
    doNotDisturb: fc.boolean(),
    lateMs: fc.integer({ min: -5, max: 5 }),
  });
  const closedFor = fc.constantFrom<Facts['closed']>({}, { push: 'no' }, { email: 'no' }, { push: 'no', email: 'no' });
  fc.assert(
    fc.property(when, steps, known, fc.constantFrom(null, 'opened'), closedFor, (conditions, some, { lateMs, ...is }, reached, closed) => {
      let made = chain({ when: conditions as Conditions, steps: some.map((one) => step(one.channel, one.when as Conditions)) });
      const now = facts({ ...is, reached, closed, now: new Date(made.until + lateMs) });
      for (let acts = 0; ; acts += 1) {
        const act = nextAct(made, now);
        if (act.act === 'end') return;
        expect(acts).toBeLessThan(made.steps.length);
        if (act.act === 'send') {
          expect(reached).toBeNull();
          expect(lateMs).toBeLessThan(0);
          expect(closed[act.step.channel]).toBeUndefined();
          for (const one of [made.when, act.step.when ?? {}]) {
            if (one.offline !== undefined) expect(one.offline).toBe(!is.online);
            if (one.noDeviceReached !== undefined) expect(one.noDeviceReached).toBe(!is.rang);
          }
        }
        made = { ...made, step: made.step + 1 };
      }
    }),
  );
});
