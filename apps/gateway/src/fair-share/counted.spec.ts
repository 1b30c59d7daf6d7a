/*
 * What is done counts as what it is, in the name of whoever did it: of an app, its key or user, and an address, and it is told so.
 */

import { type AppId, defaultLimits, type LimitKind, limitsWith, type Subject, type UserAlias } from '@communication-center/contracts';
import { bucketsOf, refusalFor } from '@communication-center/service/fair-share';
import { expect, test } from 'vitest';
import { kindOfFrame, kindOfRequest } from './act-kinds.js';
import { rateLimitHeaders } from './rate-limit-headers.js';

const appId = 'demo' as AppId;
const user: Subject = { kind: 'user', appId, userAlias: 'ann' as UserAlias };
const key: Subject = { kind: 'key', appId, keyId: 'k1', scopes: [] };
const namesOf = (kind: LimitKind, subject: Subject) =>
  bucketsOf(kind, { subject, address: '192.0.2.1' }, defaultLimits).map(({ name }) => name);

test.each([
  ['GET', '/v1/calls?limit=5', 'short', 'reads'],
  ['GET', '/v1/presence/stream', 'stream', 'streams'],
  ['POST', '/v1/calls', 'short', 'dials'],
  ['POST', '/v1/calls/1/add', 'short', 'dials'],
  ['POST', '/v1/calls/1/hang-up', 'short', 'call_acts'],
  ['POST', '/v1/user-tokens', 'short', 'tokens'],
  ['POST', '/v1/webhook-endpoints?x=1', 'short', 'endpoints'],
  ['POST', '/v1/webhook-endpoints/1/test', 'short', 'endpoints'],
  ['POST', '/v1/webhook-endpoints/1/secrets/rotate', 'short', 'writes'],
  ['PUT', '/v1/users/ann', 'short', 'writes'],
  ['POST', '/v1/x/socket', 'socket', 'sockets'],
] as const)('%s %s as %s counts among %s', (method, path, resource, kind) => {
  expect(kindOfRequest(method, path, resource)).toBe(kind);
});

test('whoever has dialed too much may still hang up, and nobody is kept from leaving or giving a dial up', () => {
  expect([
    kindOfFrame('dial'),
    kindOfFrame('hang_up'),
    kindOfFrame('cancel_dial'),
    kindOfFrame('sign_out'),
    kindOfFrame('unwatch'),
  ]).toEqual(['dials', 'call_acts', undefined, undefined, undefined]);
});

test('an act counts for its key or user, its app, and, without a key, its address; the operator’s for nobody', () => {
  expect(namesOf('reads', user)).toEqual(['reads user demo/ann', 'reads address 192.0.2.1', 'reads app demo']);
  expect(namesOf('reads', key)).toEqual(['reads key demo/k1', 'reads app demo']);
  expect(namesOf('reads', { kind: 'nobody' })).toEqual(['reads address 192.0.2.1']);
  expect(namesOf('reads', { kind: 'operator' })).toEqual([]);
});

test('what an operator sets holds for what it names, and the rest stays as by default', () => {
  const set = { perSecond: 1, burst: 2 };
  const limits = limitsWith({ dials: { app: set } });
  expect([limits.dials.app, limits.dials.user, limits.reads]).toEqual([set, defaultLimits.dials.user, defaultLimits.reads]);
});

test('a refusal says when to come again, and the header fields how things stand', () => {
  const rate = { perSecond: 0.5, burst: 3 };
  const refusal = refusalFor('dials', { name: 'dials user demo/ann', rate, waitMs: 1200 });
  expect([refusal.code, refusal.retryAfterSeconds, refusal.toSocketError().retryAfterSeconds]).toEqual(['rate_limited', 2, 2]);
  expect(rateLimitHeaders([{ name: 'dials user demo/ann', rate, level: 1.5, fullInMs: 3000 }])).toEqual({
    'ratelimit-policy': '"dials-user";q=3;w=6',
    ratelimit: '"dials-user";r=1;t=3',
  });
});
