/* What the page tells people: sentences with names, never codes, aliases of others' making or ids. */
import { CenterError } from '@communication-center/client';
import { endReasonSchema } from '@communication-center/contracts';
import { describe, expect, test } from 'vitest';
import { endSentence, historySentence, partText } from './call-sentences.js';
import { deviceName, newDeviceId } from './device-names.js';
import { clock, listed, when } from './lists.js';
import { refusalSentence } from './refusals.js';

const names: Record<string, string> = { b: 'Bob', c: 'Carol', d: 'Dan', me: 'Me' };
const nameOf = (userAlias: string) => names[userAlias] ?? userAlias;
const callWith = (others: string[], reason: string, more: object = {}) =>
  ({
    direction: 'outgoing',
    others: others.map((userAlias) => ({ userAlias })),
    state: { initiator: 'me' },
    end: { reason, byDevice: null },
    ...more,
  }) as never;
const incoming = { direction: 'incoming', state: { initiator: 'b' } };

describe('why a call is over', () => {
  test.each([
    ['hung_up', {}, false, 'Bob hung up'],
    ['hung_up', {}, true, 'You hung up: the call with Bob is over'],
    ['no_answer', {}, false, 'Bob did not answer'],
    ['no_answer', incoming, false, 'Missed call from Bob'],
    ['cancelled', {}, true, 'You cancelled the call'],
    ['cancelled', incoming, false, 'Missed call from Bob'],
    ['cancelled', incoming, true, 'The call from Bob rings on your other devices alone'],
    ['busy', incoming, false, 'Missed call from Bob: you were in another call'],
    ['declined', incoming, true, 'You declined the call from Bob'],
    ['declined', { end: { reason: 'declined', declineReason: 'busy' } }, false, 'Bob declined: is busy'],
  ])('%s, %o, by me: %s: %s', (reason, more, byMe, said) => {
    expect(endSentence(callWith(['b'], reason, more), nameOf, byMe)).toBe(said);
  });

  test.each(endReasonSchema.options)('%s is a sentence from both sides, without a code', (reason) => {
    for (const more of [{}, incoming]) {
      for (const byMe of [false, true]) expect(endSentence(callWith(['b', 'c'], reason, more), nameOf, byMe)).toMatch(/^[A-Z][^_]+ [^_]+$/);
    }
  });

  test('a reason that a newer Center has is told by its name', () => {
    expect(endSentence(callWith(['b'], 'sun_set'), nameOf, false)).toBe('sun set');
  });
});

test('the history tells who called, and how it went', () => {
  const record = (initiator: string, mine: object, theirs: object = {}) =>
    ({
      initiator,
      participants: [{ userAlias: 'me' }, { userAlias: 'b' }],
      parts: [
        { userAlias: 'me', ...mine },
        { userAlias: 'b', ...theirs },
      ],
    }) as never;
  const said = (...given: Parameters<typeof record>) => historySentence(record(...given), 'me', nameOf);
  expect(said('b', { outcome: 'missed' })).toBe('Missed call from Bob');
  expect(said('b', { outcome: 'answered' })).toBe('Bob called you');
  expect(said('b', { outcome: null })).toBe('Bob calls');
  expect(said('me', { outcome: 'answered' })).toBe('You called Bob');
  expect(said('me', { outcome: 'unanswered' }, { reason: 'declined', declineReason: 'busy' })).toBe('Bob declined: is busy');
  expect(said('me', { outcome: 'unanswered' }, { reason: 'no_answer' })).toBe('Bob did not answer');
  expect(said('me', { outcome: 'unanswered' }, { reason: 'cancelled' })).toBe('You cancelled a call to Bob');
});

test('how far somebody is in a call', () => {
  expect(partText({ state: 'gone', reason: 'declined', declineReason: 'do_not_disturb' } as never)).toBe(
    'declined: does not want to be disturbed',
  );
  expect(partText({ state: 'ringing', confirmed: false } as never)).toBe('calling');
});

test('refusals name people, and what helps', () => {
  expect(refusalSentence(new CenterError('unknown_user', 'x'), ['bobb'])).toBe('Nobody here is called bobb');
  expect(refusalSentence(new CenterError('all_callees_busy', 'x'), ['Bob', 'Carol'])).toBe('Bob and Carol are all in another call');
  const oneOfTwo = new CenterError('unknown_user', 'x', { userAliases: ['c'] });
  expect(refusalSentence(oneOfTwo, ['Bob', 'Carol'], nameOf)).toBe('Nobody here is called Carol');
  expect(refusalSentence(new CenterError('conflict', 'It has changed', { traceId: 't1' }))).toBe('It has changed (trace t1)');
});

test('names are listed, and times are read, as people do', () => {
  expect(listed(['Bob', 'Carol', 'Dan', 'Eve'])).toBe('Bob, Carol and 2 others');
  expect(listed(['Bob', 'Carol', 'Dan'])).toBe('Bob, Carol and Dan');
  expect([clock(7), clock(750), clock(3723), clock(-5)]).toEqual(['0:07', '12:30', '1:02:03', '0:00']);
  const now = new Date('2026-11-27T18:00:00');
  expect(when('2026-11-27T08:05:00', now)).not.toContain('Nov');
  expect(when('2026-11-26T08:05:00', now)).toContain('Nov');
});

describe('what a device is called', () => {
  const random = '12345678-9abc-def0-1234-56789abcdef0';
  test.each([
    [
      'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36',
      'Chrome on Windows',
    ],
    ['Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0', 'Firefox on Linux'],
    ['Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605 Version/18.0 Mobile/15E148 Safari/604.1', 'Safari on iPhone'],
    ['Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 SamsungBrowser/28.0 Chrome/130.0 Mobile', 'Samsung Internet on Android'],
    ['nothing', 'Browser on a computer'],
  ])('%s', (userAgent, name) => {
    expect(deviceName({ deviceId: newDeviceId(userAgent, random), platform: 'web' })).toBe(name);
  });

  test('an id that says nothing is never shown', () => {
    expect(deviceName({ deviceId: random, platform: 'web' })).toBe('Browser');
    expect(deviceName({ deviceId: random, platform: 'smart_speaker' })).toBe('smart speaker');
  });
});
