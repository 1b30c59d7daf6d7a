/* A dead receiver gets one request at a time, an overwhelmed one is left alone, and either is well again by its own answer. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Answer, afterAnswer, failuresOfDead, type Health, isOpen, mayBegin, newHealth } from './endpoint-health.js';
import { afterAttempt, reasonToDisable } from './what-comes-of-it.js';

const ok: Answer = { status: 204, isAccepted: true, retryAfterMs: null };
const failed = (status: number | null, retryAfterMs: number | null = null): Answer => ({ status, isAccepted: false, retryAfterMs });
const limit = 8;
const after = (health: Health, answers: readonly Answer[], now = 0) =>
  answers.reduce((one, answer) => afterAnswer(one, answer, limit, now, 0.5), health);
const dead = () =>
  after(
    newHealth(null),
    Array.from({ length: failuresOfDead }, () => failed(500)),
  );

test('after five failures in a row it counts as dead; any success between them and it does not', () => {
  const four = Array.from({ length: 4 }, () => failed(500));
  expect(isOpen(after(newHealth(null), [...four, ok, ...four]))).toBe(false);
  expect(isOpen(dead())).toBe(true);
});

test('a dead one is left alone for a while, then asked with one delivery, and closes by its answer', () => {
  const health = dead();
  const { openUntil } = health;
  expect(mayBegin(health, 0, limit, 0)).toEqual({ count: 0, at: openUntil });
  expect(mayBegin(health, 0, limit, openUntil ?? 0).count).toBe(1);
  expect(mayBegin(health, 1, limit, openUntil ?? 0).count).toBe(0);
  expect(afterAnswer(health, failed(null), limit, 10_000, 0.5).openUntil).toBeGreaterThan(10_000 + 9000);
  const well = afterAnswer(health, ok, limit, 10_000, 0.5);
  expect([isOpen(well), well.failingSince, mayBegin(well, 0, limit, 10_000).count]).toEqual([false, null, 2]);
});

test('pauses between probes do not grow beyond a minute and a tenth', () => {
  let health = dead();
  for (let probes = 0; probes < 100; probes += 1) {
    const now = health.openUntil ?? 0;
    health = afterAnswer(health, failed(null), limit, now, 0.99);
    expect((health.openUntil ?? 0) - now).toBeLessThanOrEqual(66_000);
  }
});

test('too many requests and bad gateways slow it down; Retry-After is heard', () => {
  const eager = after(newHealth(null), [ok, ok, ok, ok, ok, ok]);
  expect(mayBegin(eager, 0, limit, 0).count).toBe(8);
  for (const status of [429, 502, 503, 504]) {
    const slowed = after(eager, [failed(status)]);
    expect(slowed.restUntil).toBeGreaterThan(400);
    expect(mayBegin(slowed, 0, limit, slowed.restUntil).count).toBe(4);
  }
  expect(after(eager, [failed(429, 30_000)]).restUntil).toBe(30_000);
  expect(after(eager, [failed(500)]).restUntil).toBe(0);
});

test('one that nothing was delivered to before a restart is asked with one delivery first', () => {
  expect(mayBegin(newHealth(1), 0, limit, 5).count).toBe(1);
  expect(mayBegin(newHealth(1), 1, limit, 5).count).toBe(0);
});

test('whatever it answers, it never gets more at a time than its limit, and time alone always lets something begin', () => {
  const answers = fc.array(
    fc.oneof(fc.constant(ok), fc.constantFrom(failed(null), failed(500), failed(429), failed(503, 5000), failed(404))),
  );
  fc.assert(
    fc.property(answers, (all) => {
      let [health, now] = [newHealth(null), 0];
      for (const answer of all) {
        const { count, at } = mayBegin(health, 0, limit, now);
        expect(count).toBeLessThanOrEqual(limit);
        if (count === 0) expect(at).toBeGreaterThan(now);
        now = at ?? now + 1;
        expect(mayBegin(health, 0, limit, now).count).toBeGreaterThan(0);
        health = afterAnswer(health, answer, limit, now, 0.5);
      }
    }),
  );
});

test('a delivery that fails waits as its schedule says, or for longer where it is asked to, and is given up at its end', () => {
  const attempt = { schedule: [0, 5, 300], deadForMs: null, random: 0.5 };
  expect(afterAttempt({ ...attempt, answer: ok, made: 1 })).toEqual({ state: 'delivered' });
  expect(afterAttempt({ ...attempt, answer: failed(500), made: 1 })).toEqual({ state: 'waiting', delayMs: 5000 });
  expect(afterAttempt({ ...attempt, answer: failed(429, 60_000), made: 1 })).toEqual({ state: 'waiting', delayMs: 60_000 });
  expect(afterAttempt({ ...attempt, answer: failed(500), made: 3 })).toEqual({ state: 'failed' });
});

test('what a dead endpoint was asked with is not given up for it', () => {
  const answer = failed(null);
  expect(afterAttempt({ answer, made: 300, schedule: [0, 5], deadForMs: 60_000, random: 0.5 })).toEqual({
    state: 'waiting',
    delayMs: 60_000,
  });
});

test('an endpoint that is gone, or dead for days, is disabled, and says why', () => {
  expect(reasonToDisable(failed(410), 0, 432_000)).toContain('410');
  expect(reasonToDisable(failed(500), 431_999, 432_000)).toBeUndefined();
  expect(reasonToDisable(failed(null), 432_000, 432_000)).toContain('120 hours');
});
