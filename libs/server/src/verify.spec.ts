/*
 * A receiver believes what was signed with one of its secrets a short while ago, byte for byte, and nothing else; and it is told by a
 * code why not.
 */
import { createHmac, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import fc from 'fast-check';
import { Webhook } from 'standardwebhooks';
import { expect, test } from 'vitest';
import { type ReceivedHeaders, verify, WebhookError } from './index.js';

const now = Date.parse('2026-11-28T09:30:00.000Z');
const seconds = Math.floor(now / 1000);
const secret = `whsec_${randomBytes(32).toString('base64')}`;
const body = '{"type":"call.ended","timestamp":"2026-11-28T09:30:00.000Z","data":{"appId":"demo","sequence":1}}';

/** Computed here, not by what is tested. */
const hmac = (key: string, text: string, at = seconds, id = 'msg_1') =>
  `v1,${createHmac('sha256', Buffer.from(key.slice(6), 'base64'))
    .update(`${id}.${at}.`)
    .update(text)
    .digest('base64')}`;
const headersWith = (signature: string, at: number | string = seconds) => ({
  'webhook-id': 'msg_1',
  'webhook-timestamp': String(at),
  'webhook-signature': signature,
});
const codeOf = (work: () => unknown) => {
  try {
    return work();
  } catch (error) {
    return (error as WebhookError).code;
  }
};

test('what was signed is believed, in whatever form headers and body come', () => {
  const headers = headersWith(hmac(secret, body));
  const forms: ReceivedHeaders[] = [
    headers,
    new Headers(headers),
    Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toUpperCase(), value])),
  ];
  for (const form of forms) expect(verify(body, form, secret, { now })).toMatchObject({ type: 'call.ended' });
  for (const raw of [Buffer.from(body), new TextEncoder().encode(body)]) expect(verify(raw, headers, [secret], { now })).toBeTruthy();
});

test('whatever standardwebhooks signs is believed, and nothing that differs in a letter', () => {
  fc.assert(
    fc.property(fc.json(), fc.uint8Array({ minLength: 24, maxLength: 64 }), fc.uuid(), fc.nat(), (text, key, id, place) => {
      const theirs = `whsec_${Buffer.from(key).toString('base64')}`;
      const signed = {
        'webhook-id': id,
        'webhook-timestamp': String(seconds),
        'webhook-signature': new Webhook(theirs).sign(id, new Date(now), text),
      };
      expect(verify(text, signed, theirs, { now })).toEqual(JSON.parse(text));
      const at = place % text.length;
      const changed = `${text.slice(0, at)}${text[at] === 'x' ? 'y' : 'x'}${text.slice(at + 1)}`;
      expect(codeOf(() => verify(changed, signed, theirs, { now }))).toBe('signature_mismatch');
    }),
  );
});

test('signatures of Ed25519 are believed by the public key', () => {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const signature = `v1a,${sign(null, Buffer.from(`msg_1.${seconds}.${body}`), privateKey).toString('base64')}`;
  const key = `whpk_${publicKey.export({ format: 'der', type: 'spki' }).subarray(-32).toString('base64')}`;
  expect(verify(body, headersWith(signature), key, { now })).toBeTruthy();
  expect(codeOf(() => verify(`${body} `, headersWith(signature), key, { now }))).toBe('signature_mismatch');
  // The kind is a part of what is asked: a public key is no secret of HMAC.
  expect(codeOf(() => verify(body, headersWith(signature.replace('v1a', 'v1')), key, { now }))).toBe('signature_mismatch');
});

test('while a secret takes the place of another, one of several signatures and one of several secrets is enough', () => {
  const other = `whsec_${randomBytes(32).toString('base64')}`;
  const both = `${hmac(other, body)} ${hmac(secret, body)}`;
  expect(verify(body, headersWith(both), secret, { now })).toBeTruthy();
  expect(verify(body, headersWith(hmac(secret, body)), [other, secret], { now })).toBeTruthy();
  expect(codeOf(() => verify(body, headersWith(hmac(other, body)), secret, { now }))).toBe('signature_mismatch');
});

test('a delivery from too long ago, or from the future, is not believed', () => {
  const at = (age: number) => seconds - age;
  const given = (age: number, toleranceSeconds?: number) =>
    codeOf(() =>
      verify(body, headersWith(hmac(secret, body, at(age)), at(age)), secret, { now, ...(toleranceSeconds && { toleranceSeconds }) }),
    );
  expect([given(301), given(-301), given(31, 30), given(-31, 30)]).toEqual([
    'timestamp_too_old',
    'timestamp_too_new',
    'timestamp_too_old',
    'timestamp_too_new',
  ]);
  expect(given(299)).toMatchObject({ type: 'call.ended' });
  // The time is signed with the rest: nobody makes an old delivery new.
  expect(codeOf(() => verify(body, headersWith(hmac(secret, body, at(301))), secret, { now }))).toBe('signature_mismatch');
});

test('each fault has its code', () => {
  const good = headersWith(hmac(secret, body));
  expect(codeOf(() => verify(JSON.parse(body), good, secret, { now }))).toBe('body_not_raw');
  for (const name of Object.keys(good)) {
    const lacking = Object.fromEntries(Object.entries(good).filter(([one]) => one !== name));
    expect([name, codeOf(() => verify(body, lacking, secret, { now }))]).toEqual([name, 'header_missing']);
  }
  for (const time of ['soon', '1e9', '-1', '17,5', '9'.repeat(20)])
    expect([time, codeOf(() => verify(body, headersWith('v1,x', time), secret, { now }))]).toEqual([time, 'timestamp_malformed']);
  for (const wrong of ['', 'secret', 'whsec_', 'whpk_AAAA', `whsk_${randomBytes(64).toString('base64')}`])
    expect([wrong, codeOf(() => verify(body, good, wrong, { now }))]).toEqual([wrong, 'secret_malformed']);
  expect(codeOf(() => verify(body, good, [], { now }))).toBe('signature_mismatch');
  expect(codeOf(() => verify('{', headersWith(hmac(secret, '{')), secret, { now }))).toBe('body_malformed');
});

test('whatever the headers say, there is an answer, and it is no other error', () => {
  const strange = fc.oneof(fc.string(), fc.constantFrom('v1,', 'v1a,', ',', ' ', 'v1,=', `v1,${'A'.repeat(1000)}`));
  fc.assert(
    fc.property(strange, strange, strange, (id, timestamp, signature) => {
      const headers = { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signature };
      expect(() => verify(body, headers, secret, { now })).toThrow(WebhookError);
    }),
  );
});
