/*
 * By SMS people are told as by e-mail: by the rules of their app, once, until they were reached; and what the SMSC says became of it is told. The app
 * itself is told by the log. On a real PostgreSQL and Redis, through an SMSC that refuses what a real one refuses.
 */
import type { RuleBody } from '@communication-center/contracts';
import { eventually, holds, SmscStandIn } from '@communication-center/testing';
import { expect, test as withoutParts } from 'vitest';
import { callOf, demo, dialed, missed, Telling } from '../messages/messages.fixture.js';
import { NotificationsController } from '../push-ring/notifications.controller.js';
import { noteRefusedNumber } from './sms-receipts.js';

const sender = { systemId: 'center', password: 'secret' };
const credentials = (port: number, more: object = {}) =>
  ({ provider: 'smpp', host: '127.0.0.1', port, security: 'none', ...sender, systemType: '', from: 'Shop', window: 10, ...more }) as never;
const phone = '+4915112345678';

const parts = withoutParts.extend<{ telling: Telling; smsc: SmscStandIn }>({
  // biome-ignore lint/correctness/noEmptyPattern: Vitest reads from it what is needed.
  smsc: async ({}, use) => {
    const smsc = await SmscStandIn.start(sender);
    await use(smsc);
    await smsc.stop();
  },
  telling: async ({ smsc }, use) => {
    const telling = await Telling.start();
    await telling.credentials.save(demo, credentials(smsc.port));
    await use(telling);
    expect(telling.failed).toEqual([]);
    await telling.stop();
  },
});
const test = parts.concurrent;

const hear = (replica: ReturnType<Telling['replica']>, ...events: unknown[]) => replica.tell({ topic: 'calls.events', events } as never);
const ended = (telling: Telling) =>
  eventually('the end of each chain', async () => (await telling.chains()).every(({ state }) => state === 'ended'), 15_000);
const bySms = (more: Partial<RuleBody> = {}): RuleBody => ({
  ...{ enabled: true, on: 'call.missed', to: { kind: 'callee' }, when: {}, withinSeconds: 3600 },
  steps: [{ afterSeconds: 0, channel: 'sms', template: 'missed-call' }],
  ...more,
});
const becomes = (telling: Telling, state: string) =>
  eventually(`an SMS that is ${state}`, async () => (await telling.sent()).find((one) => one.channel === 'sms' && one.state === state));

test('a missed call is told by SMS once, though the log repeats it to two replicas, and that it is on the phone is told, too', async ({
  telling,
  smsc,
}) => {
  await telling.contact('bob', { phone });
  await telling.rules.save(demo, 'missed-call', bySms());
  const event = callOf()('call.missed', missed());
  await Promise.all([hear(telling.replica(), event, event), hear(telling.replica(), event)]);
  const { notification_id: id } = await becomes(telling, 'delivered');
  expect(smsc.texts).toEqual([{ to: phone.slice(1), text: expect.stringContaining('alice called you') }]);
  expect((await telling.events()).map(({ type, sequence }) => `${type} ${sequence}`)).toEqual([
    'notification.accepted 1',
    'notification.delivered 2',
  ]);
  const controller = new NotificationsController(telling.database, { committed: () => undefined } as never);
  const key = { kind: 'key', appId: 'demo', scopes: ['notifications'] } as never;
  const list = await controller.list(key, { userAlias: 'bob', state: 'delivered', limit: 10 } as never);
  expect(list.notifications).toMatchObject([{ notificationId: id, channel: 'sms', state: 'delivered', userAlias: 'bob' }]);
  expect(JSON.stringify([await telling.events(), list])).not.toContain(phone.slice(1));
});

test('a text of several parts is delivered when all of them are; what the SMSC could not bring has failed, with its reason', async ({
  telling,
  smsc,
}) => {
  await telling.contact('bob', { phone });
  await telling.rules.save(demo, 'missed-call', bySms());
  smsc.receipt = null;
  const replica = telling.replica();
  await telling.templates.save(demo, 'missed-call', { defaultLocale: 'en', locales: { en: { subject: 's', text: 'long '.repeat(50) } } });
  await hear(replica, callOf()('call.missed', missed()));
  await ended(telling);
  const [first, second] = smsc.taken.map(({ id }) => id);
  const receipt = (id: string | undefined, stat: string) =>
    replica.receipts.ofSmsc(demo, { esm_class: 4, text: `id:${id} stat:${stat} err:011` });
  expect(await receipt(first, 'DELIVRD')).toBe(0);
  expect((await telling.sent())[0]?.state).toBe('accepted');
  expect(await receipt(second, 'DELIVRD')).toBe(0);
  expect((await telling.sent())[0]?.state).toBe('delivered');
  smsc.receipt = 'UNDELIV';
  await hear(replica, callOf()('call.missed', missed()));
  expect(await becomes(telling, 'failed')).toMatchObject({ reason: 'SMSC: UNDELIV (err 011)' });
  const told = (await telling.events()).map(({ type, sequence }) => `${type} ${sequence}`);
  expect(told.slice(2)).toEqual(['notification.accepted 1', 'notification.failed 2']);
  const begun = performance.now();
  expect(await receipt('of somebody else', 'DELIVRD')).toBe(0);
  expect(performance.now() - begun).toBeGreaterThan(3000);
});

test('a dead number falls back to the e-mail at once, and is not tried the next time; who wishes none, or has no number, gets none', async ({
  telling,
  smsc,
}) => {
  await telling.contact('bob', { phone: '+49001234567' });
  await telling.contact('carol', { phone });
  await telling.preferences.save(demo, 'carol' as never, { sms: false });
  await telling.contact('dave');
  const steps = (['sms', 'email'] as const).map((channel) => ({ afterSeconds: 0, channel, template: 'missed-call' }));
  await telling.rules.save(demo, 'missed-call', bySms({ steps }));
  const replica = telling.replica();
  const of = (userAlias: string) => callOf()('call.missed', { ...missed(), userAlias });
  await hear(replica, of('bob'), of('carol'), of('dave'));
  await ended(telling);
  expect(telling.smtp.mails).toHaveLength(3);
  await hear(replica, of('bob'));
  await ended(telling);
  expect([telling.smtp.mails.length, smsc.asked]).toEqual([4, 1]);
  const sms = (await telling.sent()).filter(({ channel }) => channel === 'sms');
  expect(sms).toMatchObject([{ state: 'failed', reason: 'SMSC: the number is invalid (0x0b)' }]);
});

test('an SMSC that is away, as long as a schedule goes: all are sent once it is back, but to who was reached meanwhile', async ({
  telling,
  smsc,
}) => {
  await telling.contact('bob', { phone });
  await telling.rules.save(demo, 'calling', bySms({ on: 'call.dialed' }));
  const { port } = smsc;
  await smsc.stop();
  const replica = telling.replica();
  const answered = callOf();
  await hear(replica, ...Array.from({ length: 5 }, () => callOf()('call.dialed', dialed)), answered('call.dialed', dialed));
  await eventually('each being tried in vain', async () =>
    (await telling.chains()).every(({ reason }) => /ECONNREFUSED|held back for its failures/.test(reason ?? '')),
  );
  await hear(replica, answered('call.answered', { userAlias: 'bob', deviceId: 'd' }));
  const back = await SmscStandIn.start({ ...sender, port });
  await ended(telling);
  expect(back.texts).toHaveLength(5);
  const outcomes = (await telling.chains()).map(({ outcome }) => outcome).sort();
  expect(outcomes).toEqual(['done', 'done', 'done', 'done', 'done', 'reached']);
  await eventually('all receipts being noted', () => back.unacknowledged === 0);
  await back.stop();
}, 60_000);

test('Redis emptied: SMS that wait are queued again, and none is sent twice', async ({ telling, smsc }) => {
  await telling.contact('bob', { phone });
  await telling.rules.save(demo, 'missed-call', bySms({ steps: [{ afterSeconds: 2, channel: 'sms', template: 'missed-call' }] }));
  await hear(telling.replica(), ...Array.from({ length: 5 }, () => callOf()('call.missed', missed())));
  await eventually('the queue in Redis', async () => (await telling.emptyRedis()) > 0);
  await eventually('all SMS', () => smsc.texts.length >= 5, 20_000);
  await ended(telling);
  await holds('no sixth', () => smsc.texts.length === 5, 300);
  // What Redis forgot in the middle of its work cannot be noted there.
  const unforeseen = telling.failed.splice(0).filter((error) => !/Missing key for job/.test(String(error)));
  expect(unforeseen).toEqual([]);
}, 60_000);

test('who got as many SMS within the hour as one may gets no more, whatever became of them', async ({ telling, smsc }) => {
  await telling.contact('bob', { phone });
  await telling.rules.save(demo, 'missed-call', bySms());
  await telling.schema.query(
    `INSERT INTO sent_notifications (notification_id, message_id, app_id, rule_id, channel, call_id, user_alias, state, attempts, created_at)
     SELECT gen_random_uuid(), gen_random_uuid(), 'demo', 'r', 'sms', gen_random_uuid(), 'bob', CASE WHEN n % 2 = 0 THEN 'failed' ELSE 'delivered' END, 1, now()
     FROM generate_series(1, 20) AS n`,
  );
  await hear(telling.replica(), callOf()('call.missed', missed()));
  await ended(telling);
  expect(smsc.asked).toBe(0);
  expect((await telling.chains())[0]?.reason).toBe('the user got 20 SMS within the hour, as many as one may');
});

test('the app itself is told by the log, with the text of the template, once; and a number that a rule names by SMS', async ({
  telling,
  smsc,
}) => {
  await telling.contact('bob');
  await telling.rules.save(demo, 'desk', bySms({ steps: [{ afterSeconds: 0, channel: 'webhook', template: 'missed-call' }] }));
  await telling.rules.save(demo, 'missed-call', bySms({ to: { kind: 'phone', phone, locale: 'de' } }));
  const event = callOf()('call.missed', missed());
  await Promise.all([hear(telling.replica(), event, event), hear(telling.replica(), event)]);
  await ended(telling);
  const message = (await telling.events()).filter(({ type }) => type === 'notification.message');
  expect(message).toMatchObject([
    {
      sequence: 1,
      data: {
        ...{ channel: 'webhook', ruleId: 'desk', event: 'call.missed', reason: 'no_answer', locale: 'en', userAlias: 'bob' },
        ...{ subject: 'Missed call from alice', text: expect.stringContaining('alice called you') },
      },
    },
  ]);
  expect(await telling.sent()).toEqual(expect.arrayContaining([expect.objectContaining({ channel: 'webhook', state: 'accepted' })]));
  expect(smsc.texts).toEqual([{ to: phone.slice(1), text: expect.stringContaining('alice hat Sie angerufen') }]);
});

test('an SMS that was handed over by who died before noting it is sent again once, and no more', async ({ telling, smsc }) => {
  await telling.contact('bob', { phone });
  await telling.rules.save(demo, 'missed-call', bySms());
  const writer = telling.replica({ works: false });
  await hear(writer, callOf()('call.missed', missed()));
  const id = (await telling.chains()).at(-1)?.message_id as string;
  await telling.schema.query("UPDATE messages SET attempts = 1, next_attempt_at = now() - interval '1 minute' WHERE message_id = $1", [id]);
  await writer.messages.attempt(id, 2);
  expect(smsc.texts).toHaveLength(1);
  await telling.schema.query("UPDATE messages SET state = 'pending', noted = 0, attempts = 2, ended_at = NULL WHERE message_id = $1", [id]);
  await writer.messages.attempt(id, 3);
  expect(smsc.texts).toHaveLength(1);
});

test('who answers STOP gets no SMS of the app any more, for good and by the fall-back instead; who answers START gets them again', async ({
  telling,
  smsc,
}) => {
  await telling.contact('bob', { phone });
  const steps = (['sms', 'email'] as const).map((channel) => ({ afterSeconds: 0, channel, template: 'missed-call' }));
  await telling.rules.save(demo, 'missed-call', bySms({ steps }));
  const replica = telling.replica();
  const missedAgain = async () => {
    await hear(replica, callOf()('call.missed', missed()));
    await ended(telling);
  };
  await missedAgain();
  const mailed = telling.smtp.mails.length;
  for (const text of ['Who is this?', 'Stop!', 'STOP']) expect(await smsc.answers(phone.slice(1), text)).toBe(0);
  await missedAgain();
  expect([smsc.texts.length, telling.smtp.mails.length]).toEqual([1, mailed + 1]);
  const kept = () => telling.schema.query("SELECT reason, refused_at = 'infinity' AS lasts FROM refused_addresses");
  expect((await kept()).rows).toEqual([{ reason: 'its owner answered STOP', lasts: true }]);
  // What a provider says of the number later does not make it pass.
  await noteRefusedNumber(telling.schema as never, demo, phone, 'Twilio: 400 (21610)');
  expect((await kept()).rows).toEqual([{ reason: 'its owner answered STOP', lasts: true }]);
  expect(await smsc.answers(phone.slice(1), 'start')).toBe(0);
  expect((await kept()).rows).toEqual([]);
  await missedAgain();
  expect(smsc.texts).toHaveLength(2);
});

test('whoever an app writes nothing to cannot fill its list of those who answered STOP; whom it wrote to once can still say it', async ({
  telling,
  smsc,
}) => {
  await telling.contact('bob', { phone });
  await telling.rules.save(demo, 'missed-call', bySms());
  const replica = telling.replica();
  await hear(replica, callOf()('call.missed', missed()));
  await ended(telling);
  const kept = async () => (await telling.schema.query('SELECT app_id FROM refused_addresses')).rows.length;
  for (let number = 0; number < 10; number += 1) expect(await smsc.answers(`49151000000${number}`, 'STOP')).toBe(0);
  expect(await kept()).toBe(0);
  // His number is another by now.
  await telling.schema.query("UPDATE contacts SET phone = '+4915199999999'");
  expect(await smsc.answers(phone.slice(1), 'STOP')).toBe(0);
  expect(await smsc.answers('4915199999999', 'STOP')).toBe(0);
  expect(await kept()).toBe(2);
  // A rule may name a number that is nobody's.
  const toNumber = { ...bySms(), to: { kind: 'phone', phone: '+4915188888888' } } as RuleBody;
  await telling.rules.save(demo, 'to-the-desk', toNumber);
  expect(await smsc.answers('4915188888888', 'STOP')).toBe(0);
  expect(await kept()).toBe(3);
});

test('credentials of each kind are kept apart, and nothing secret of them is told', async ({ telling, smsc }) => {
  const twilio = { provider: 'twilio', accountSid: `AC${'0'.repeat(32)}`, authToken: 'c'.repeat(32), from: '+15017122661' } as const;
  await telling.credentials.save(demo, twilio);
  const list = await telling.credentials.list(demo);
  expect(list.map(({ provider }) => provider)).toEqual(['smpp', 'smtp', 'twilio']);
  for (const secret of ['secret', 'c'.repeat(32), 'correct', 'PRIVATE']) expect(JSON.stringify(list)).not.toContain(secret);
  expect(await telling.credentials.ofSms(demo)).toMatchObject({ provider: 'smpp' });
  await telling.credentials.delete(demo, 'smpp');
  expect(await telling.credentials.ofSms(demo)).toMatchObject({ provider: 'twilio' });
  expect((await telling.credentials.read(demo, 'twilio'))?.secret.password).toBe('c'.repeat(32));
  await expect(telling.credentials.save(demo, credentials(25))).rejects.toThrow('port: use one from 1024 on');
  expect(smsc.binds).toBe(0);
});
