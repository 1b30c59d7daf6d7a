/* A link gives the one file that it was made for, until its time is over; whatever else is shown gives nothing, and never fails. */
import { randomBytes } from 'node:crypto';
import type { RecordingId } from '@communication-center/contracts';
import { SealedBox, secretsKeySetting } from '@communication-center/service';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FileLinks } from './file-links.js';

const recordingId = '01a212f5-72f3-745f-9835-9b692595a86a' as RecordingId;
const linked = { recordingId, name: 'call.mp4' };
const now = new Date('2026-11-28T12:00:00.000Z');
const later = (seconds: number) => new Date(now.getTime() + seconds * 1000);
const keyOf = () => secretsKeySetting.parse(randomBytes(32).toString('base64'));
const SECRETS_KEY = keyOf();
const linksWith = (more: object = {}) =>
  new FileLinks({ SECRETS_KEY, PUBLIC_URL: 'https://center.example/', RECORDING_LINK_SECONDS: 60, ...more });
const tokenIn = (url: string) => url.slice(url.lastIndexOf('/') + 1);

test('it gives its file until its time is over', () => {
  const { url, urlExpiresAt } = linksWith().linkTo(linked, now);
  expect(url).toMatch(/^https:\/\/center\.example\/v1\/recording-files\/[A-Za-z0-9_-]{20,1500}$/);
  expect(urlExpiresAt).toBe(later(60).toISOString());
  expect(linksWith().read(tokenIn(url), later(59))).toEqual(linked);
  expect(linksWith().read(tokenIn(url), later(60))).toBeUndefined();
});

test('without an address it has none, and with another key it is none', () => {
  const { url } = linksWith({ PUBLIC_URL: undefined }).linkTo(linked, now);
  expect(url.startsWith('/v1/recording-files/')).toBe(true);
  expect(linksWith({ SECRETS_KEY: keyOf() }).read(tokenIn(url), now)).toBeUndefined();
});

test('what was changed, made up, or sealed for something else gives nothing', () => {
  const links = linksWith();
  const token = Buffer.from(tokenIn(links.linkTo(linked, now).url), 'base64url');
  fc.assert(
    fc.property(fc.nat(token.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
      const changed = Buffer.from(token);
      changed[at] = (changed[at] ?? 0) ^ change;
      expect(links.read(changed.toString('base64url'), now)).toBeUndefined();
    }),
  );
  fc.assert(fc.property(fc.string(), (text) => links.read(text, now) === undefined));
  const box = new SealedBox(SECRETS_KEY);
  expect(
    links.read(box.seal('unsubscribe', JSON.stringify([recordingId, 'call.mp4', later(60).getTime()])).toString('base64url'), now),
  ).toBeUndefined();
  expect(links.read(box.seal('recording-files', '{"not": "a link"}').toString('base64url'), now)).toBeUndefined();
});
