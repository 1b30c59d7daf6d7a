/*
 * SMS through Twilio as it is: by a form, for who signs in, again when and only when another try may fare better; what it tells of them counts by its
 * signature alone.
 */
import { randomBytes } from 'node:crypto';
import type { AppId } from '@communication-center/contracts';
import { KeyRing } from '@communication-center/service';
import { TwilioStandIn } from '@communication-center/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { certificate, settings } from '../channels/channels.fixture.js';
import type { SmsReceipt } from '../domain/sms-outcome.js';
import { SmsStatusController } from './sms-status.controller.js';
import { SmsStatusLinks } from './sms-status-links.js';
import { TwilioChannel } from './twilio-channel.js';

const app = 'demo' as AppId;
const notificationId = '6ad1c8c1-54a5-5f0e-9d2d-7d3e0a5b0c11';
let twilio: TwilioStandIn;
let channel: TwilioChannel;
let controller: SmsStatusController;
let password: string;
const told: [string, string, SmsReceipt, string][] = [];

beforeEach(async () => {
  twilio = await TwilioStandIn.start(certificate);
  password = twilio.authToken;
  told.length = 0;
  const secret = `test:${randomBytes(32).toString('base64')}`;
  const more = {
    TWILIO_HOST: twilio.place,
    SMS_TIMEOUT_MS: 1000,
    PUBLIC_URL: 'https://center.example.com/',
    SECRETS_KEY: KeyRing.parse(secret),
  };
  const said = settings(more as never);
  const facts = { provider: 'twilio', accountSid: twilio.accountSid, from: '+15017122661' };
  const credentials = { read: async () => ({ version: '1', facts, secret: { password } }) } as never;
  const links = new SmsStatusLinks(said);
  channel = new TwilioChannel(credentials, links, said);
  const receipts = { ofTwilio: async (...one: (typeof told)[number]) => (told.push(one) > 0 ? 'taken' : 'unknown') } as never;
  controller = new SmsStatusController(links, credentials, receipts);
});

afterEach(async () => {
  await channel.close();
  await twilio.stop();
});

const send = (to = '+15558675310', text = 'Missed call') =>
  channel.send(app, { notificationId, to, text, until: Date.now() + 60_000 }, '1');
const nobody = { kind: 'nobody' } as never;

test('an SMS is taken, with where its status is told and for how long it is of use', async () => {
  expect(await send()).toEqual({ outcome: 'accepted' });
  const [sms] = twilio.messages;
  expect(sms).toMatchObject({ to: '+15558675310', from: '+15017122661', body: 'Missed call', validityPeriod: 60 });
  expect(sms?.statusCallback).toMatch(/^https:\/\/center\.example\.com\/v1\/sms-status\/[\w-]+$/);
  expect(await channel.verify(app)).toEqual({ outcome: 'accepted' });
});

test('too many at once are told when to come again, a fault of its own is tried again, and a dead number never', async () => {
  twilio.refusals.push({ status: 429, retryAfter: 3 }, { status: 503 });
  expect(await send()).toMatchObject({ outcome: 'later', retryAfterMs: 3000, reason: expect.stringContaining('20429') });
  expect(await send()).toMatchObject({ outcome: 'later' });
  expect(twilio.asked, 'the library tries nothing by itself').toBe(2);
  expect(await send('+15005550001')).toMatchObject({ outcome: 'refused', isOfAddress: true, reason: expect.stringContaining('21211') });
});

test('a wrong secret, and a Twilio that is not there, are said', async () => {
  password = 'f'.repeat(32);
  expect(await send()).toMatchObject({ outcome: 'later', reason: expect.stringContaining('401 (20003)') });
  expect(await channel.verify(app)).toMatchObject({ outcome: 'later' });
  await twilio.stop();
  expect(await channel.verify(app)).toMatchObject({ outcome: 'later', reason: expect.stringMatching(/ECONNREFUSED/) });
});

test('what Twilio tells counts where it is signed by the account, of this link and these words; what is no end is let go', async () => {
  await send();
  const hear = ({ url, fields, signature }: ReturnType<TwilioStandIn['statusOf']>) =>
    controller.told(nobody, url.slice(url.lastIndexOf('/') + 1), fields, signature);
  const [sms] = twilio.messages as [(typeof twilio.messages)[number]];
  await hear(twilio.statusOf(sms, 'sent'));
  expect(told).toEqual([]);
  const delivered = twilio.statusOf(sms, 'delivered');
  await hear(delivered);
  expect(told).toMatchObject([[app, notificationId, { state: 'delivered' }, '+15558675310']]);
  const no = { message: 'The signature is not that of the app’s Twilio account' };
  await expect(hear({ ...delivered, fields: { ...delivered.fields, MessageStatus: 'failed' } })).rejects.toMatchObject(no);
  await expect(hear({ ...delivered, signature: '' })).rejects.toMatchObject(no);
  await expect(controller.told(nobody, 'x'.repeat(80), delivered.fields, delivered.signature)).rejects.toMatchObject({ code: 'not_found' });
  await expect(controller.told({ kind: 'user' } as never, 'x'.repeat(80), {}, '')).rejects.toMatchObject({ code: 'forbidden' });
  await hear(twilio.statusOf(sms, 'undelivered', { ErrorCode: '30005' }));
  expect(told[1]?.[2]).toEqual({ state: 'failed', reason: 'Twilio: undelivered (30005)', isOfAddress: true });
});
