/*
 * What is sent is believed by whoever verifies as Standard Webhooks says: by its own library, by the Center's, and by a computation that
 * shares nothing with what signs. While a secret takes the place of another, both are.
 */
import { createHmac, createPublicKey, verify as verifySignature } from 'node:crypto';
import { verify } from '@communication-center/server';
import fc from 'fast-check';
import { Webhook } from 'standardwebhooks';
import { expect, test } from 'vitest';
import { type Recipient, signedRequest } from './signed-request.js';
import { kindOf, newSecret, publicKeyOf } from './signing-secrets.js';

const now = Date.now();
const data = { appId: 'demo', callId: '01a212f5-72f3-745f-9835-9b692595a83a', sequence: 5, reason: 'hung_up' };
const body = JSON.stringify({ type: 'call.ended', timestamp: '2026-11-28T09:30:00.000Z', data });
const message = { id: 'b3f0b2f4-53d9-4a7e-9d0e-0c7d0f9f2f10', body };
const recipientWith = (given: Partial<Recipient>): Recipient => ({
  secrets: [{ text: newSecret('v1'), until: null }],
  headers: {},
  authentication: null,
  payloadVersion: '2026-11-28',
  bodyFormat: 'standard_webhooks',
  ...given,
});

test('any message is believed by standardwebhooks, and by a computation of its own', () => {
  fc.assert(
    fc.property(fc.json(), fc.uuid(), (text, id) => {
      const secret = newSecret('v1');
      const { headers, body: sent } = signedRequest(recipientWith({ secrets: [{ text: secret, until: null }] }), { id, body: text }, now);
      expect(sent).toBe(text);
      expect(new Webhook(secret).verify(sent, headers)).toEqual(JSON.parse(text));
      const key = Buffer.from(secret.replace('whsec_', ''), 'base64');
      const expected = createHmac('sha256', key).update(`${id}.${headers['webhook-timestamp']}.${sent}`).digest('base64');
      expect(headers['webhook-signature']).toBe(`v1,${expected}`);
    }),
  );
});

test('an endpoint that chose v1a is signed to with Ed25519, which the public key alone verifies', () => {
  const text = newSecret('v1a');
  expect([kindOf(text), Buffer.from(text.slice('whsk_'.length), 'base64').length]).toEqual(['v1a', 64]);
  const publicKey = publicKeyOf(text) ?? '';
  expect(publicKey).toMatch(/^whpk_[A-Za-z0-9+/]{43}=$/);
  const { headers, body: sent } = signedRequest(recipientWith({ secrets: [{ text, until: null }] }), message, now);
  const [version, signature = ''] = (headers['webhook-signature'] ?? '').split(',');
  expect(version).toBe('v1a');
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(publicKey.slice(5), 'base64').toString('base64url') };
  const content = `${message.id}.${headers['webhook-timestamp']}.${sent}`;
  const key = createPublicKey({ key: jwk, format: 'jwk' });
  expect(verifySignature(null, Buffer.from(content), key, Buffer.from(signature, 'base64'))).toBe(true);
  expect(verify(sent, headers, publicKey)).toMatchObject({ type: 'call.ended' });
});

test('while secrets overlap each signs, whatever its kind; one that has ended signs no more', () => {
  const [newest, before, ended] = [newSecret('v1a'), newSecret('v1'), newSecret('v1')];
  const secrets = [
    { text: newest, until: null },
    { text: before, until: now + 1 },
    { text: ended, until: now },
  ];
  const { headers, body: sent } = signedRequest(recipientWith({ secrets }), message, now);
  expect(headers['webhook-signature']?.split(' ').map((one) => one.split(',')[0])).toEqual(['v1a', 'v1']);
  expect(verify(sent, headers, before)).toBeTruthy();
  expect(verify(sent, headers, publicKeyOf(newest) ?? '')).toBeTruthy();
  expect(() => verify(sent, headers, ended)).toThrow('No signature');
});

test('headers of the endpoint and its credentials go with the message, and none takes the place of the sender’s', () => {
  const headers = { 'X-Tenant': 'blue', 'content-type': 'text/plain', 'webhook-id': 'another' };
  const sent = signedRequest(recipientWith({ headers, authentication: { type: 'bearer', token: 'tok_1' } }), message, now).headers;
  expect(sent).toMatchObject({
    'X-Tenant': 'blue',
    authorization: 'Bearer tok_1',
    'content-type': 'application/json',
    'webhook-id': message.id,
  });
  const basic = signedRequest(recipientWith({ authentication: { type: 'basic', username: 'ann', password: 'pässe:d' } }), message, now);
  expect(Buffer.from((basic.headers.authorization ?? '').slice(6), 'base64').toString()).toBe('ann:pässe:d');
});

test('CloudEvents have the same data and the id of the message, and are signed as they are sent', () => {
  const recipient = recipientWith({ bodyFormat: 'cloudevents' });
  const { headers, body: sent } = signedRequest(recipient, message, now);
  expect(headers['content-type']).toBe('application/cloudevents+json');
  expect(verify(sent, headers, recipient.secrets[0]?.text ?? '')).toEqual({
    specversion: '1.0',
    id: message.id,
    source: '/calls',
    type: 'call.ended',
    time: '2026-11-28T09:30:00.000Z',
    subject: data.callId,
    datacontenttype: 'application/json',
    appid: 'demo',
    sequence: 5,
    data,
  });
});
