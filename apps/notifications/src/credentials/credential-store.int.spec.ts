/*
 * What is secret of credentials lies sealed, opens with the ring of keys alone, and is in no view.
 */
import { randomBytes } from 'node:crypto';
import type { AppId, PushCredentialBody } from '@communication-center/contracts';
import { KeyRing } from '@communication-center/service';
import { Fleet, makeAppleApp, makeServiceAccount, TestSchema } from '@communication-center/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { push } from '../migrations/11-push.js';
import { toldRings } from '../migrations/20-told-rings.js';
import { pushReplicas } from '../migrations/21-push-replicas.js';
import type { NotificationsSettings } from '../settings.js';
import { CredentialStore } from './credential-store.js';
import { KnownCredentials } from './known-credentials.js';

const fleet = new Fleet();
const app = 'demo' as AppId;
const [first, second] = [randomBytes(32), randomBytes(32)];
let schema: TestSchema;

beforeEach(async () => {
  schema = await TestSchema.migrated(fleet, [push, toldRings, pushReplicas]);
});

afterEach(() => schema.drop());

function storeWith(...keys: { id: string; bytes: Buffer }[]): CredentialStore {
  const query = schema.query.bind(schema);
  return new CredentialStore({ query, background: { query } } as never, { SECRETS_KEY: new KeyRing(keys) } as NotificationsSettings);
}

const apple = makeAppleApp();
const account = makeServiceAccount();
const apns: PushCredentialBody = { provider: 'apns', ...apple };
const fcm: PushCredentialBody = { provider: 'fcm', serviceAccount: account };

test('keys are in no row as they are and in no view, and come back whole', async () => {
  const store = storeWith({ id: 'a', bytes: first });
  const views = [
    await store.save(app, apns),
    await store.save(app, fcm),
    await store.save(app, { provider: 'web_push', subject: 'mailto:o@x.org' }),
  ];
  const { rows } = await schema.query('SELECT push_credentials::text AS text, sealed FROM push_credentials');
  const web = (await store.read(app, 'web_push'))?.credential;
  const secrets = [apple.key, account.private_key]
    .map((pem) => pem.split('\n')[1] ?? '')
    .concat(web?.provider === 'web_push' ? web.privateKey : '');
  const seen = JSON.stringify(views) + rows.map(({ text, sealed }) => `${text}${(sealed as Buffer).toString('latin1')}`).join('\n');
  for (const secret of secrets) {
    expect(secret.length).toBeGreaterThan(20);
    expect(seen).not.toContain(secret);
  }
  expect((await store.read(app, 'apns'))?.credential).toEqual(apns);
  expect((await store.read(app, 'fcm'))?.credential).toEqual({
    provider: 'fcm',
    projectId: account.project_id,
    clientEmail: account.client_email,
    privateKey: account.private_key,
  });
});

test('another key first still opens what the one before sealed; without that one nothing does', async () => {
  await storeWith({ id: 'a', bytes: first }).save(app, apns);
  expect((await storeWith({ id: 'b', bytes: second }, { id: 'a', bytes: first }).read(app, 'apns'))?.credential).toEqual(apns);
  await expect(storeWith({ id: 'b', bytes: second }).read(app, 'apns')).rejects.toMatchObject({ name: 'UnopenedError' });
});

test('a VAPID pair stays when its subject changes: pages have subscribed with it', async () => {
  const store = storeWith({ id: 'a', bytes: first });
  const made = await store.save(app, { provider: 'web_push', subject: 'mailto:o@x.org' });
  const changed = await store.save(app, { provider: 'web_push', subject: 'mailto:p@x.org' });
  expect(changed).toMatchObject({ publicKey: made.publicKey, subject: 'mailto:p@x.org' });
});

test('what changes is known after the next look, and what is deleted is no more', async () => {
  const store = storeWith({ id: 'a', bytes: first });
  const known = new KnownCredentials(store, () => undefined);
  await known.look();
  expect([known.isAnybodyThere, known.hasApp(app)]).toEqual([false, false]);
  await store.save(app, apns);
  await known.look();
  const before = await known.of(app, 'apns');
  expect([known.hasApp(app), before?.credential]).toEqual([true, apns]);
  const other = makeAppleApp();
  await store.save(app, { provider: 'apns', ...other });
  await known.look();
  expect((await known.of(app, 'apns'))?.credential).toMatchObject({ keyId: other.keyId });
  await store.delete(app, 'apns');
  await known.look();
  expect([known.hasApp(app), await known.of(app, 'apns')]).toEqual([false, undefined]);
});
