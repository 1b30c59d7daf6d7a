/*
 * Keys that no provider would take are refused when they are saved, not when somebody is called.
 */
import { generateKeyPairSync } from 'node:crypto';
import { expect, test } from 'vitest';
import webPush from 'web-push';
import type { PushCredential } from '../domain/credential-facts.js';
import { faultOfKey, newVapidPair } from './key-faults.js';

const pem = (pair: { privateKey: { export(as: { type: 'pkcs8'; format: 'pem' }): string | Buffer } }) =>
  String(pair.privateKey.export({ type: 'pkcs8', format: 'pem' }));
const p256 = pem(generateKeyPairSync('ec', { namedCurve: 'prime256v1' }));
const rsa = pem(generateKeyPairSync('rsa', { modulusLength: 2048 }));
const apns = (key: string): PushCredential => ({ provider: 'apns', key, keyId: 'K', teamId: 'T', bundleId: 'b' });
const fcm = (privateKey: string): PushCredential => ({ provider: 'fcm', projectId: 'p', clientEmail: 'e', privateKey });
const web = (pair: { publicKey: string; privateKey: string }): PushCredential => ({ provider: 'web_push', subject: 's', ...pair });

test('each provider takes keys of its own kind alone', () => {
  expect([apns(p256), fcm(rsa), web(newVapidPair())].map(faultOfKey)).toEqual([undefined, undefined, undefined]);
  expect(faultOfKey(apns(rsa))?.field).toBe('key');
  expect(faultOfKey(apns(pem(generateKeyPairSync('ec', { namedCurve: 'secp384r1' }))))?.field).toBe('key');
  expect(faultOfKey(fcm(p256))?.field).toBe('serviceAccount.private_key');
  expect(faultOfKey(fcm('nothing'))?.field).toBe('serviceAccount.private_key');
});

test('a VAPID pair is one, whoever made it', () => {
  expect(faultOfKey(web(webPush.generateVAPIDKeys()))).toBeUndefined();
  const [one, other] = [newVapidPair(), newVapidPair()];
  expect(faultOfKey(web({ publicKey: one.publicKey, privateKey: other.privateKey }))?.field).toBe('keys');
  expect(faultOfKey(web({ publicKey: one.publicKey, privateKey: 'short' }))?.field).toBe('keys');
});
