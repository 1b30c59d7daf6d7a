/*
 * Everyone who should know is told, whatever hangs, dies or is emptied: integrators by webhooks, CTI systems by presence, absent
 * people by e-mail.
 */
import type { EndpointView, NotificationList, Presence } from '@communication-center/contracts';
import {
  eventually,
  Fleet,
  MailServer,
  Phones,
  type ProcessName,
  SmscStandIn,
  type TestApp,
  WebhookReceiver,
} from '@communication-center/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

const fleet = new Fleet();
const phones = new Phones(fleet);
let app: TestApp;

beforeEach(async () => {
  app = await fleet.makeApp();
});

afterEach(() => phones.closeAll());

/** How a process ends that was told to stop, well before what hangs would be given up. */
const wayOutOf = (name: ProcessName) =>
  eventually(
    `the end of ${name}`,
    async () => {
      const fate = await fleet.fateOf(name);
      return fate?.startsWith('stopped') && fate;
    },
    7000,
  );

describe('webhooks', () => {
  let receiver: WebhookReceiver;
  let endpoint: EndpointView;

  beforeEach(async () => {
    receiver = await WebhookReceiver.start();
    endpoint = (await fleet.rest<EndpointView>('POST', '/v1/webhook-endpoints', app.key, { url: receiver.url })).body;
    receiver.secret = endpoint.secret ?? '';
  });

  afterEach(() => receiver.stop());

  test('a service that is told to stop does so at once, however long a receiver hangs, and its successor delivers', async () => {
    receiver.hangs = true;
    await fleet.makeUser(app, 'bob');
    const alice = await phones.connect(app, 'alice');
    for (let calls = 0; calls < 3; calls += 1) await (await alice.center.call(['bob'])).hangUp();
    await eventually('requests without an answer', () => receiver.unanswered >= 3);
    const replicas = fleet.replicasOf('webhooks');
    await Promise.all(replicas.map((replica) => fleet.control(replica, 'drain')));
    expect(await Promise.all(replicas.map(wayOutOf))).toEqual(replicas.map(() => 'stopped (exit code 0)'));
    receiver.hangs = false;
    await fleet.ready('webhooks', 60_000);
    await eventually('all deliveries', () => receiver.received.filter(({ body }) => body.type === 'call.ended').length === 3, 10_000);
    const ids = receiver.received.map(({ id }) => id);
    expect(new Set(ids).size, 'nothing twice').toBe(ids.length);
  }, 90_000);

  test('deliveries that nobody told of come within seconds, though 20,000 older ones wait for an endpoint that hangs', async () => {
    const hanging = await WebhookReceiver.start();
    hanging.hangs = true;
    await fleet.makeUser(app, 'bob');
    const alice = await phones.connect(app, 'alice');
    await (await alice.center.call(['bob'])).hangUp();
    await eventually('the end of the call being told', () => receiver.received.some(({ body }) => body.type === 'call.ended'));
    const told = receiver.received.length;
    const other = (await fleet.rest<EndpointView>('POST', '/v1/webhook-endpoints', app.key, { url: hanging.url })).body;
    // As if so many had failed before: of the one endpoint 20,000, of the other what it was told, at the same time.
    const wait = (endpointId: string, times: number, messageId: string) =>
      fleet.query(
        'webhooks',
        `INSERT INTO undelivered (endpoint_id, message_id, app_id, lane, subject, message, state, made, next_attempt_at)
         SELECT p.endpoint_id, ${messageId}, p.app_id, p.lane, number::text,
                json_build_object('messageId', ${messageId}, 'appId', p.app_id, 'position', NULL, 'type', m.type, 'subject', m.subject,
                  'sequence', m.sequence, 'source', m.source, 'dataversion', m.dataversion, 'occurredAt', to_char(m.occurred_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), 'data', m.data),
                'waiting', 1, now() - interval '1 hour'
         FROM positions AS p JOIN messages AS m USING (app_id), generate_series(1, $2::int) AS number
         WHERE p.endpoint_id = $1 AND m.type LIKE 'call.%'`,
        [endpointId, times],
      );
    await wait(other.endpointId, Math.ceil(20_000 / told), '(md5(m.message_id::text || number))::uuid');
    await eventually('the other endpoint hanging', () => hanging.unanswered >= 1, 15_000);
    receiver.received.splice(0);
    await wait(endpoint.endpointId, 1, 'm.message_id');
    await eventually('all of the healthy endpoint', () => receiver.received.length === told, 15_000);
    await fleet.query('webhooks', 'DELETE FROM undelivered WHERE endpoint_id = $1', [other.endpointId]);
    await hanging.stop();
  }, 60_000);

  test('what waits for a retry survives a flushed Redis', async () => {
    receiver.statuses.push(...Array.from({ length: 4 }, () => 500));
    await fleet.makeUser(app, 'bob');
    const alice = await phones.connect(app, 'alice');
    const call = await alice.center.call(['bob']);
    await eventually('the first attempt', () => receiver.statuses.length < 4);
    await fleet.control('redis', 'kill');
    await eventually('the delivery after all', () => receiver.received.find(({ body }) => body.type === 'call.dialed'), 40_000);
    await call.hangUp();
  });
});

describe('presence', () => {
  const presenceOf = async (userAlias: string) =>
    (await fleet.rest<Presence>('GET', `/v1/presence/${encodeURIComponent(userAlias)}`, app.key)).body;
  const becomes = (userAlias: string, check: (presence: Presence) => boolean, timeoutMs?: number) =>
    eventually(
      `the presence of ${userAlias}`,
      async () => {
        const presence = await presenceOf(userAlias);
        return check(presence) && presence;
      },
      timeoutMs,
    );

  test('is rebuilt from the log by the operator; a version never goes back', async () => {
    await phones.connect(app, 'dora', { deviceId: 'dora-phone' });
    const before = await becomes('dora', ({ status }) => status === 'online');
    await fleet.rebuild('presence', 'who-is-where');
    const after = await presenceOf('dora');
    expect(after.version).toBeGreaterThanOrEqual(before.version);
    expect({ ...after, version: 0 }).toEqual({ ...before, version: 0 });
  });
});

describe('a missed call', () => {
  let mail: MailServer;

  beforeEach(async () => {
    mail = await MailServer.start(fleet);
  });

  afterEach(() => mail.stop());

  test('sends one e-mail to an absent user, though the mail server refuses twice and the log repeats itself', async () => {
    await fleet.makeUser(app, 'absent', { name: 'Ann Absent', email: 'ann@example.com' });
    await fleet.makeUser(app, 'present', { email: 'here@example.com' });
    const alice = await phones.connect(app, 'alice');
    await phones.connect(app, 'present');
    await eventually('it being known that one of them is there', async () => {
      const { body } = await fleet.rest<Presence>('GET', '/v1/presence/present', app.key);
      return body.status === 'online';
    });
    mail.refusals.set('ann@example.com', 2);
    await (await alice.center.call(['absent', 'present'])).hangUp();
    await eventually('the e-mail', () => mail.mails.length > 0, 20_000);
    const row = await eventually('the row being done', async () => {
      const rows = await fleet.query<{ attempts: number; state: string }>(
        'notifications',
        'SELECT * FROM sent_notifications WHERE app_id = $1',
        [app.appId],
      );
      return rows[0];
    });
    expect(row.state).toBe('accepted');
    expect(row.attempts).toBeGreaterThanOrEqual(3);
    expect(mail.mails.map(({ to }) => to)).toMatchObject([{ text: 'ann@example.com' }]);
    expect(await fleet.query('notifications', 'SELECT 1 FROM messages WHERE app_id = $1', [app.appId])).toHaveLength(2);
    const { body } = await fleet.rest<NotificationList>('GET', '/v1/notifications?userAlias=absent', app.key);
    expect(body.notifications).toMatchObject([{ channel: 'email', ruleId: 'missed-call', state: 'accepted', openedAt: null }]);
    // What a mailbox does by one click (RFC 8058): it posts this form to the link, without a credential.
    const list = mail.mails[0]?.headers.get('list') as { unsubscribe?: { url: string } } | undefined;
    const link = list?.unsubscribe?.url ?? '';
    expect(link).toContain(`${new URL('/v1/unsubscribe/', fleet.url)}`);
    const click = await fetch(link, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: 'List-Unsubscribe=One-Click',
    });
    expect([click.status, await click.json()]).toEqual([200, { email: false }]);
    const wishes = await fleet.rest('GET', '/v1/notification-preferences/absent', app.key);
    expect(wishes.body).toMatchObject({ email: false, push: true });
  });

  test.runIf(process.env.EVERY_KILL === 'true')(
    'whose process is killed between handing over and noting is told once more, by e-mail and by SMS, and no more',
    async () => {
      const smsc = await SmscStandIn.start({ systemId: 'center', password: 'secret' });
      // Of the library it is what a bundle could break.
      smsc.usesPayload = true;
      const server = {
        provider: 'smpp',
        host: '127.0.0.1',
        port: smsc.port,
        security: 'none',
        systemId: 'center',
        password: 'secret',
        from: 'Shop',
      };
      expect((await fleet.rest('PUT', '/v1/channel-credentials', app.key, server)).status).toBe(200);
      expect((await fleet.rest('POST', '/v1/channel-credentials/smpp/verify', app.key, {})).body).toEqual({ works: true, reason: null });
      const rule = { on: 'call.missed', to: { kind: 'callee' }, steps: [{ channel: 'sms', template: 'missed-call' }] };
      expect((await fleet.rest('PUT', '/v1/notification-rules/by-sms', app.key, rule)).status).toBe(200);
      await fleet.makeUser(app, 'absent', { email: 'ann@example.com', phone: '+4915112345678' });
      [mail.hangs, smsc.hangs] = [true, true];
      const alice = await phones.connect(app, 'alice');
      await (await alice.center.call(['absent'])).hangUp();
      await eventually('both being handed over', () => mail.unanswered === 1 && smsc.taken.length === 1, 20_000);
      await fleet.killAndAwait('notifications');
      [mail.hangs, smsc.hangs] = [false, false];
      // As if the two minutes of the claims were over.
      await fleet.query('notifications', 'UPDATE messages SET next_attempt_at = now() WHERE app_id = $1', [app.appId]);
      const ended = await eventually(
        'both being on record',
        async () => {
          const { body } = await fleet.rest<NotificationList>('GET', '/v1/notifications?userAlias=absent', app.key);
          const states = body.notifications.map(({ channel, state }) => `${channel} ${state}`).sort();
          return states.length === 2 && states.includes('sms delivered') && states;
        },
        20_000,
      );
      expect(ended).toEqual(['email accepted', 'sms delivered']);
      expect([mail.mails.length, smsc.taken.length]).toEqual([1, 2]);
      expect(new Set(smsc.taken.map(({ text }) => text)).size).toBe(1);
      expect(await fleet.query('notifications', "SELECT 1 FROM messages WHERE app_id = $1 AND state = 'pending'", [app.appId])).toEqual([]);
      await smsc.stop();
    },
    90_000,
  );

  test('is told by the rule, the template and to whom the app says; users end their e-mails themselves, and a faulty template is refused', async () => {
    const put = (path: string, body: object, by = app.key) => fleet.rest<{ detail?: string }>('PUT', path, by, body);
    const template = (subject: string) => ({ locales: { en: { subject, text: '{{ receiver.name }} missed {{ caller.name }}' } } });
    const faulty = await put('/v1/notification-templates/desk', template('{{ caller.nam }}'));
    expect(faulty.status).toBe(400);
    expect(faulty.body.detail).toMatch(/locales\.en\.subject: .*caller\.nam.*it may name/);
    expect((await put('/v1/notification-templates/desk', template('Somebody missed {{ caller.name }}'))).status).toBe(200);
    const receiver = await WebhookReceiver.start();
    const endpoint = await fleet.rest<EndpointView>('POST', '/v1/webhook-endpoints', app.key, {
      url: receiver.url,
      eventTypes: ['notification.message'],
    });
    receiver.secret = endpoint.body.secret ?? '';
    const steps = ['email', 'webhook'].map((channel) => ({ channel, template: 'desk' }));
    const rule = { on: 'call.missed', to: { kind: 'address', email: 'desk@example.com' }, steps };
    expect((await put('/v1/notification-rules/desk', rule)).status).toBe(200);
    await fleet.makeUser(app, 'absent', { name: 'Ann', email: 'ann@example.com', timeZone: 'Asia/Tokyo' });
    const wish = await put('/v1/notification-preferences/absent', { email: false }, await fleet.tokenOf(app, 'absent'));
    expect(wish.body).toEqual({ userAlias: 'absent', push: true, email: false, sms: true });
    const alice = await phones.connect(app, 'alice');
    await (await alice.center.call(['absent'])).hangUp();
    const [sent] = await eventually('the e-mail to the desk', () => mail.mails.length > 0 && mail.mails, 20_000);
    expect(sent?.subject).toBe('Somebody missed alice');
    expect(sent?.to).toMatchObject({ text: 'desk@example.com' });
    const message = await eventually('the app being told', () =>
      receiver.received.find(({ body }) => body.type === 'notification.message'),
    );
    expect(message.body.data).toMatchObject({ channel: 'webhook', ruleId: 'desk', userAlias: null, subject: 'Somebody missed alice' });
    expect(receiver.received.filter(({ body }) => body.type === 'notification.message')).toHaveLength(1);
    expect(receiver.badSignatures).toEqual([]);
    await receiver.stop();
    const why = await eventually('why the user was told nothing', async () => {
      const { body } = await fleet.rest<NotificationList>('GET', '/v1/notifications?userAlias=absent', app.key);
      return body.notifications[0];
    });
    expect(why).toMatchObject({ state: 'cancelled', reason: 'the user wishes no e-mails' });
    const form = (body: string) =>
      fetch(new URL(`/v1/unsubscribe/${'x'.repeat(60)}`, fleet.url), {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body,
      });
    expect((await form('List-Unsubscribe=One-Click')).status).toBe(404);
    expect((await form('a=b')).status).toBe(400);
  });

  test('is on record as cancelled where the user got as many e-mails within the hour as one may', async () => {
    await fleet.makeUser(app, 'absent', { email: 'ann@example.com' });
    await fleet.query(
      'notifications',
      `INSERT INTO sent_notifications (notification_id, message_id, app_id, rule_id, channel, call_id, user_alias, state, attempts, created_at, ended_at)
       SELECT gen_random_uuid(), gen_random_uuid(), $1, 'missed-call', 'email', gen_random_uuid(), 'absent', 'accepted', 1, now(), now() - interval '10 minutes'
       FROM generate_series(1, 20)`,
      [app.appId],
    );
    const alice = await phones.connect(app, 'alice');
    await (await alice.center.call(['absent'])).hangUp();
    const ended = await eventually('the e-mail being cancelled', async () => {
      const { body } = await fleet.rest<NotificationList>('GET', '/v1/notifications?userAlias=absent&state=cancelled', app.key);
      return body.notifications[0];
    });
    expect(ended.reason).toContain('20 e-mails');
    expect(mail.mails).toEqual([]);
  });

  test('whose mail server hangs holds up no stop; the e-mail stays due', async () => {
    mail.hangs = true;
    await fleet.makeUser(app, 'absent', { email: 'ann@example.com' });
    const alice = await phones.connect(app, 'alice');
    await (await alice.center.call(['absent'])).hangUp();
    await eventually('a mail without an answer', () => mail.unanswered > 0);
    const replicas = fleet.replicasOf('notifications');
    await Promise.all(replicas.map((replica) => fleet.control(replica, 'drain')));
    expect(await Promise.all(replicas.map(wayOutOf))).toEqual(replicas.map(() => 'stopped (exit code 0)'));
    const rows = await fleet.query<{ state: string; next_attempt_at: Date | null }>(
      'notifications',
      'SELECT * FROM messages WHERE app_id = $1',
      [app.appId],
    );
    expect(rows).toMatchObject([{ state: 'pending', next_attempt_at: expect.any(Date) }]);
    await fleet.ready('notifications');
  });
});
