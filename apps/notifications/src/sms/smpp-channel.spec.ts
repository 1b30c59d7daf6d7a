/*
 * SMS through an SMSC that refuses what a real one refuses: bound before anything is sent, in parts that a phone puts together, again where it was busy,
 * and over a new connection where one broke.
 */
import type { AppId } from '@communication-center/contracts';
import { eventually, holds, SmscStandIn, Trickle } from '@communication-center/testing';
import { afterEach, expect, test } from 'vitest';
import { certificate, settings } from '../channels/channels.fixture.js';
import type { ReceiptPdu } from '../domain/sms-outcome.js';
import { SmppChannel, type SmsLetter } from './smpp-channel.js';
import { SmscLines } from './smsc-lines.js';

const app = 'demo' as AppId;
const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

interface Parts {
  secured?: boolean;
  password?: string;
  host?: string;
  receive?: (pdu: ReceiptPdu) => Promise<number>;
  more?: object;
}

async function start({ secured = false, password = 'secret', host = '127.0.0.1', receive = async () => 0, more = {} }: Parts = {}) {
  const smsc = await SmscStandIn.start({ systemId: 'center', password: 'secret', ...(secured && { certificate }) });
  const facts = {
    provider: 'smpp',
    host,
    port: smsc.port,
    security: secured ? 'tls' : 'none',
    systemId: 'center',
    systemType: '',
    from: 'Shop',
    window: 2,
  };
  const credentials = { read: async () => ({ version: '1', facts, secret: { password } }) };
  const awaited: object[] = [];
  const database = { background: { query: async () => ({ rows: awaited }) } };
  const receipts = { ofSmsc: (_app: string, pdu: ReceiptPdu) => receive(pdu) };
  const said = settings({ SMS_TIMEOUT_MS: 700, SMPP_KEEP_SECONDS: 60, ...more });
  const lines = new SmscLines(credentials as never, receipts as never, database as never, said, (error) =>
    expect.unreachable(String(error)),
  );
  const channel = new SmppChannel(lines, credentials as never);
  const stop = () => lines.beforeApplicationShutdown();
  ends.push(async () => {
    await stop();
    await smsc.stop();
  });
  return { smsc, facts, lines, channel, awaited, stop };
}

/** The same, with a line between that can be told to let the answers through byte by byte. */
async function startBehindTrickle(more: object = {}) {
  const { smsc, facts, channel } = await start({ more });
  const line = await Trickle.to(smsc.port);
  ends.unshift(() => line.close());
  facts.port = line.port;
  return { smsc, line, channel };
}

const letter = (text: string, to = '+4915112345678'): SmsLetter => ({
  ...{ notificationId: '6ad1c8c1-54a5-5f0e-9d2d-7d3e0a5b0c11', to, text },
  until: Date.now() + 3_600_000,
});

test.each([false, true])('an SMS is bound, submitted and told what became of it (TLS: %s), all on one connection', async (secured) => {
  const heard: string[] = [];
  const { smsc, channel } = await start({ secured, receive: async ({ text }) => (heard.push(text) === 1 ? 0x64 : 0) });
  smsc.usesPayload = secured;
  expect(await channel.send(app, letter('Missed call from Zoë'), '1')).toEqual({ outcome: 'accepted', providerIds: [smsc.taken[0]?.id] });
  const long = `${'Grüße '.repeat(40)}漢字 😀`;
  const outcome = await channel.send(app, letter(long), '1');
  expect(outcome).toMatchObject({
    outcome: 'accepted',
    providerIds: [expect.any(String), expect.any(String), expect.any(String), expect.any(String)],
  });
  expect(smsc.texts).toEqual([
    { to: '4915112345678', text: 'Missed call from Zoë' },
    { to: '4915112345678', text: long },
  ]);
  expect(smsc.binds).toBe(1);
  expect(smsc.taken.map(({ dataCoding }) => dataCoding)).toEqual([8, 8, 8, 8, 8]);
  await eventually('the receipts being taken, the first one again', () => smsc.unacknowledged === 0);
  expect(heard.length).toBeGreaterThanOrEqual(6);
  expect(heard[0]).toContain('stat:DELIVRD');
});

test('letters of the GSM alphabet go as such', async () => {
  const { smsc, channel } = await start();
  await channel.send(app, letter('Ärger für 5 €? [ja]'), '1');
  expect(smsc.taken).toMatchObject([{ dataCoding: 0, text: 'Ärger für 5 €? [ja]', part: undefined }]);
});

test('an SMSC that is asked too much is asked again after a moment; a number it does not know ends for good', async () => {
  const { smsc, channel } = await start();
  smsc.refusals.push(0x58, 0x14, 0x58);
  expect(await channel.send(app, letter('hello'), '1')).toMatchObject({ outcome: 'accepted' });
  smsc.refusals.push(...Array(5).fill(0x58));
  expect(await channel.send(app, letter('hello'), '1')).toEqual({ outcome: 'later', reason: 'SMSC: it is asked too much (0x58)' });
  expect(await channel.send(app, letter('hello', '+49001234567'), '1')).toMatchObject({ outcome: 'refused', isOfAddress: true });
  expect(await channel.send(app, letter('ж'.repeat(700)), '1')).toMatchObject({ outcome: 'refused', isOfAddress: false });
});

test('who is not let in is told why, comes back later and not at once; verify says so, too', async () => {
  const { smsc, channel } = await start({ password: 'wrong' });
  expect(await channel.send(app, letter('hello'), '1')).toEqual({ outcome: 'later', reason: 'SMSC: the password is wrong (0x0e)' });
  expect(await channel.send(app, letter('hello'), '1')).toMatchObject({ outcome: 'later', retryAfterMs: expect.any(Number) });
  expect(await channel.verify(app)).toMatchObject({ outcome: 'later', reason: expect.stringContaining('password') });
  expect([smsc.asked, smsc.binds]).toEqual([0, 0]);
});

test('verify binds without sending, and on an account that lets one in alone it asks on the connection that is there', async () => {
  const { smsc, channel } = await start();
  expect(await channel.verify(app)).toEqual({ outcome: 'accepted' });
  smsc.mostBinds = 1;
  await channel.send(app, letter('hello'), '1');
  expect(await channel.verify(app)).toEqual({ outcome: 'accepted' });
  expect([smsc.asked, smsc.binds]).toEqual([1, 2]);
});

test('a connection that breaks is made anew; one that gives no answer is given up in time', async () => {
  const { smsc, channel } = await start();
  await channel.send(app, letter('one'), '1');
  smsc.breakAll();
  await eventually('the SMS after the break', async () => (await channel.send(app, letter('two'), '1')).outcome === 'accepted');
  smsc.hangs = true;
  const begun = Date.now();
  expect(await channel.send(app, letter('three'), '1')).toEqual({
    outcome: 'later',
    reason: 'the SMSC gave no answer to submit_sm in time',
  });
  expect(Date.now() - begun).toBeLessThan(3000);
});

test('an SMSC whose answers come byte by byte is understood', async () => {
  // A busy machine may need seconds for what trickles so.
  const { smsc, line, channel } = await startBehindTrickle({ SMS_TIMEOUT_MS: 20_000 });
  line.everyMs = 1;
  for (const text of ['one', 'two']) expect(await channel.send(app, letter(text), '1')).toMatchObject({ outcome: 'accepted' });
  await eventually('the receipts being taken', () => smsc.unacknowledged === 0);
  expect([line.connections, smsc.taken.length]).toEqual([1, 2]);
});

test('one that trickles so that no answer comes to its end in time is given up, whatever it still says, and the next SMS goes by a new connection', async () => {
  const { line, channel } = await startBehindTrickle();
  line.everyMs = 100;
  const begun = Date.now();
  expect(await channel.send(app, letter('one'), '1')).toMatchObject({
    outcome: 'later',
    reason: 'the SMSC gave no answer to bind_transceiver in time',
  });
  line.everyMs = 0;
  await eventually('an SMS by a new connection', async () => (await channel.send(app, letter('two'), '1')).outcome === 'accepted');
  line.everyMs = 100;
  expect(await channel.send(app, letter('three'), '1')).toMatchObject({ outcome: 'later', reason: expect.stringContaining('submit_sm') });
  expect(Date.now() - begun).toBeLessThan(5000);
});

test('at most as many are without an answer as the window lets through', async () => {
  const { smsc, channel } = await start();
  await channel.send(app, letter('first'), '1');
  smsc.hangs = true;
  const all = Array.from({ length: 6 }, () => channel.send(app, letter('more'), '1'));
  await eventually('the window being full', () => smsc.asked === 3);
  await holds('no third one', () => smsc.asked === 3, 300);
  expect((await Promise.all(all)).map(({ outcome }) => outcome)).toEqual(Array(6).fill('later'));
});

test('a connection is opened for receipts that are waited for, whoever sent the SMS', async () => {
  const { smsc, lines, awaited } = await start();
  awaited.push({ appId: app, version: '1' });
  await lines.look();
  await eventually('a bind', () => smsc.binds === 1);
});

test('no host but those of the outside is connected to', async () => {
  const { smsc, channel } = await start({ more: { ALLOW_PRIVATE_ADDRESSES: false } });
  expect(await channel.send(app, letter('hello'), '1')).toMatchObject({
    outcome: 'refused',
    reason: expect.stringContaining('public internet'),
  });
  expect(smsc.binds).toBe(0);
});
