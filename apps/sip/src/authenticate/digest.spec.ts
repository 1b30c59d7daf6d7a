import { createHash } from 'node:crypto';
import { KeyRing } from '@communication-center/service';
import { expect, test } from 'vitest';
import { challenges, isRight, isSameTarget, Nonces, parseAnswer } from './digest.js';

const md5 = (text: string) => createHash('md5').update(text).digest('hex');

test('the example of RFC 7616 §3.9.1 is right, with either algorithm, and nothing near it is', () => {
  const answer = (algorithm: string, response: string) =>
    parseAnswer(
      `Digest username="Mufasa", realm="http-auth@example.org", uri="/dir/index.html", algorithm=${algorithm}, ` +
        'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", nc=00000001, cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", ' +
        `qop=auth, response="${response}", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"`,
    );
  const secret = 'Mufasa:http-auth@example.org:Circle of Life';
  const secrets = { md5: md5(secret), sha256: createHash('sha256').update(secret).digest('hex') };
  const right = { MD5: '8ca523f5e9506fed4657c9700eebdbec', 'SHA-256': '753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1' };
  for (const [algorithm, response] of Object.entries(right)) {
    const given = answer(algorithm, response);
    expect(given && isRight(given, secrets, 'GET')).toBe(true);
    expect(given && isRight(given, secrets, 'SUBSCRIBE')).toBe(false);
    expect(given && isRight({ ...given, nonce: 'another' }, secrets, 'GET')).toBe(false);
    expect(given && isRight({ ...given, response: '' }, secrets, 'GET')).toBe(false);
  }
});

test('what is no digest with qop=auth is no answer', () => {
  expect(parseAnswer('Basic YTpi')).toBeUndefined();
  expect(parseAnswer('Digest username="a", realm="b", nonce="c", uri="d", response="e"')).toBeUndefined();
  expect(
    parseAnswer('Digest username="a", realm="b", nonce="c", uri="d", response="e", qop=auth, nc=1, cnonce="f", algorithm=none'),
  ).toBeUndefined();
  for (const nc of ['000000001', 'xyz', '-1', '1.5'])
    expect(parseAnswer(`Digest username="a", realm="b", nonce="c", uri="d", response="e", qop=auth, nc=${nc}, cnonce="f"`)).toBeUndefined();
});

const [first, second] = ['a', 'b'].map((id, index) => ({ id, bytes: Buffer.alloc(32, index + 7) })) as [NonceKey, NonceKey];
type NonceKey = { id: string; bytes: Buffer };
const ringOf = (...keys: NonceKey[]) => new KeyRing(keys);

test('a nonce names the key that signed it, and is good at every replica that has that one, also while another takes its place', () => {
  const [before, after, later] = [ringOf(first, second), ringOf(second, first), ringOf(second)].map((ring) => new Nonces(ring, 60));
  const nonce = before?.make('demo', 1_000_000) ?? '';
  expect(nonce.split('.')[2]).toMatch(/^a:/);
  // Where its key is not there any more, or not yet, the phone is asked anew, and not for its password.
  expect([before, after, later].map((nonces) => nonces?.check(nonce, 'demo', 1_030_000))).toEqual(['good', 'good', 'stale']);
  expect(new Nonces(ringOf(first), 60).check(after?.make('demo', 1_000_000) ?? '', 'demo', 1_030_000)).toBe('stale');
});

test('a nonce is good for its time and its realm, stale afterwards, and cannot be made up', () => {
  const nonces = new Nonces(ringOf(first), 60);
  const nonce = nonces.make('demo', 1_000_000);
  expect(nonces.check(nonce, 'demo', 1_030_000)).toBe('good');
  expect(nonces.check(nonce, 'demo', 1_061_000)).toBe('stale');
  expect(nonces.check(nonce, 'other', 1_030_000)).toBe('wrong');
  const [at, own, signature] = nonce.split('.');
  for (const made of [`zz.${own}.${signature}`, `${at}.other.${signature}`, `${at}.${own}`, `${nonce}.`, `${nonce}x`, '', '..'])
    expect(nonces.check(made, 'demo', 1_030_000)).toBe('wrong');
});

test('no two nonces are alike, however soon one comes after the other', () => {
  const nonces = new Nonces(ringOf(first), 60);
  expect(new Set(Array.from({ length: 1000 }, () => nonces.make('demo', 1_000_000))).size).toBe(1000);
});

test('the example of RFC 7616 §3.9.1 is challenged in the order that is asked for', () => {
  const [first, second] = challenges({ realm: 'http-auth@example.org', nonce: 'n', stale: true, algorithms: ['SHA-256', 'MD5'] });
  expect(first).toEqual(['WWW-Authenticate', 'Digest realm="http-auth@example.org", nonce="n", algorithm=SHA-256, qop="auth", stale=true']);
  expect(second?.[1]).toContain('algorithm=MD5');
  expect(challenges({ realm: 'r', nonce: 'n', stale: false, algorithms: ['MD5'] })).toEqual([
    ['WWW-Authenticate', 'Digest realm="r", nonce="n", algorithm=MD5, qop="auth"'],
  ]);
});

test.each([
  ['sip:bob@demo', 'sip:bob@demo', true],
  ['SIP:bob@DEMO', 'sip:bob@demo', true],
  ['sip:bob@demo', 'sip:bob@demo;transport=tcp', true],
  ['sip:%62ob@demo', 'sip:bob@demo', true],
  ['sip:demo', 'sip:demo', true],
  ['sip:bob@[2001:db8::1]:5060', 'sip:bob@[2001:DB8::1]:5060', true],
  ['sip:bob@demo', 'sip:carol@demo', false],
  ['sip:Bob@demo', 'sip:bob@demo', false],
  ['sip:bob@demo', 'sip:bob@other', false],
  ['sip:bob@demo', 'sip:bob@demo:5061', false],
  ['sip:bob@demo', 'sips:bob@demo', false],
  ['sip:demo', 'sip:bob@demo', false],
  ['sip:bob@demo.evil', 'sip:bob@demo', false],
  ['sip:bob@demo evil', 'sip:bob@demo', false],
  ['', '', false],
  ['*', '*', false],
])('a digest for %j is for %j: %s', (uri, other, same) => {
  expect(isSameTarget(uri, other)).toBe(same);
});
