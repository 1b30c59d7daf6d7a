/*
 * Who missed a call gets an SMS through Twilio, and what Twilio says of it comes in by the public door: it counts by its signature alone, is told
 * once, and stands in the log of the app.
 */
import type { CallReply, NotificationList } from '@communication-center/contracts';
import { eventually, Fleet, type TwilioSms, TwilioStandIn } from '@communication-center/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';

const fleet = new Fleet();
const phone = '+4915112345678';
let twilio: TwilioStandIn;

beforeAll(async () => {
  twilio = await TwilioStandIn.start(fleet.pushCertificate, fleet.state.ports.twilio);
});
afterAll(() => twilio.stop());

/** Tells the door what became of an SMS, as Twilio does. @returns the status of the answer. */
async function tell(sms: TwilioSms, status: string, signature?: string): Promise<number> {
  const { url, fields, signature: right } = twilio.statusOf(sms, status);
  const headers = { 'content-type': 'application/x-www-form-urlencoded', 'x-twilio-signature': signature ?? right };
  const body = new URLSearchParams(fields).toString();
  return (await fetch(url, { method: 'POST', headers, body, signal: AbortSignal.timeout(10_000) })).status;
}

test('a missed call is told by SMS, and that it is on the phone is told to the app, once', async () => {
  const app = await fleet.makeApp({ options: { ringSeconds: 5 } });
  fleet.noteSecrets(twilio.authToken);
  const { accountSid, authToken } = twilio;
  const ask = async (method: 'PUT' | 'POST', path: string, body: object) => {
    const { status, body: said } = await fleet.rest(method, path, app.key, body);
    expect(status, `${path}: ${JSON.stringify(said)}`).toBeLessThan(300);
  };
  await ask('PUT', '/v1/channel-credentials', { provider: 'twilio', accountSid, authToken, from: '+15017122661' });
  await ask('PUT', '/v1/events/consumers/log', { eventTypes: ['notification.*'] });
  await fleet.makeUser(app, 'alice', { name: 'Alice A.' });
  await fleet.makeUser(app, 'bob', { phone });
  await ask('PUT', '/v1/notification-rules/missed-call', {
    on: 'call.missed',
    to: { kind: 'callee' },
    steps: [{ channel: 'sms', template: 'missed-call' }],
  });
  const { callId } = (await fleet.rest<CallReply>('POST', '/v1/calls', app.key, { userAlias: 'alice', callees: ['bob'] })).body;
  const sms = await eventually('the SMS', () => twilio.messages[0], 30_000);
  expect([sms.to, sms.body]).toEqual([phone, expect.stringContaining('Alice A. called you')]);
  expect(sms.statusCallback).toContain(`${fleet.url}/v1/sms-status/`);

  expect(await tell(sms, 'delivered', 'forged')).toBe(403);
  expect([await tell(sms, 'delivered'), await tell(sms, 'delivered'), await tell(sms, 'sent')]).toEqual([204, 204, 204]);
  const states = async () => {
    const { body } = await fleet.rest<NotificationList>('GET', `/v1/notifications?callId=${callId}`, app.key);
    return body.notifications.filter(({ channel }) => channel === 'sms').map(({ state }) => state);
  };
  await eventually('it being delivered', async () => (await states()).join() === 'delivered');
  const told = async () => {
    const { body } = await fleet.rest<{ events: { type: string }[] }>('GET', '/v1/events/consumers/log/events', app.key);
    return body.events.map(({ type }) => type);
  };
  await eventually('the app being told', async () => (await told()).includes('notification.delivered'), 15_000);
  expect((await told()).filter((type) => type === 'notification.delivered')).toHaveLength(1);
  expect(twilio.messages).toHaveLength(1);
}, 90_000);
