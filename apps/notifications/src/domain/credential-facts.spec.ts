/*
 * Credentials are kept as their parts and come back whole; of what may be told nothing is secret.
 */
import { type PushCredentialBody, pushCredentialBodySchema } from '@communication-center/contracts';
import { expect, test } from 'vitest';
import { credentialOf, ofParts, partsOf } from './credential-facts.js';

const pem = `-----BEGIN PRIVATE KEY-----\n${'A'.repeat(120)}\n-----END PRIVATE KEY-----`;
const pair = { publicKey: 'a-public-key', privateKey: 'a-private-key' };
const bodies: PushCredentialBody[] = [
  { provider: 'apns', key: pem, keyId: 'KEY0000001', teamId: 'TEAM000001', bundleId: 'com.example.app' },
  {
    provider: 'fcm',
    serviceAccount: {
      project_id: 'a-project',
      client_email: 'p@a.iam.gserviceaccount.com',
      private_key: pem,
      token_uri: 'http://10.0.0.1/',
    },
  },
  { provider: 'web_push', subject: 'mailto:o@x.org' },
];

test.each(bodies)('those of $provider are parted and put together again', (body) => {
  const credential = credentialOf(pushCredentialBodySchema.parse(body), () => pair);
  const { facts, secret } = partsOf(credential);
  expect(ofParts(body.provider, facts, secret)).toEqual(credential);
  expect(JSON.stringify(facts)).not.toContain(secret);
});

test('no address of a service account is kept', () => {
  expect(JSON.stringify(credentialOf(bodies[1] as PushCredentialBody, () => pair))).not.toContain('10.0.0.1');
});

test('a pair that there is takes the subject that is given now', () => {
  const before = { provider: 'web_push', subject: 'mailto:before@x.org', ...pair };
  expect(credentialOf({ provider: 'web_push', subject: 'mailto:o@x.org' }, () => before)).toEqual({ ...before, subject: 'mailto:o@x.org' });
});
