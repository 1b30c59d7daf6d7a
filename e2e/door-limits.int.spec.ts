/*
 * The doors beside the gateway hold everybody to a fair share, too: a phone system, and whoever joins media, is told when to come again, and
 * others notice nothing. What an account has subscribed to stays when it may not renew it now, and can always be ended.
 */
import type { AppOptions, SipAccountView } from '@communication-center/contracts';
import { challengeIn, digestLine, eventually, Fleet, SipLine, type TestApp } from '@communication-center/testing';
import { afterEach, expect, test } from 'vitest';
import { MediaDevice, People } from './media/media-device.js';

const fleet = new Fleet();
const open: { close(): void }[] = [];

afterEach(() => {
  for (const one of open.splice(0)) one.close();
});

/** A phone of an account, that signs in for each request by a nonce of its own. */
class Phone {
  #cseq = 1;

  private constructor(
    private readonly app: TestApp,
    private readonly username: string,
    private readonly password: string,
    private readonly line: SipLine,
  ) {}

  static async of(app: TestApp, username: string): Promise<Phone> {
    const { body } = await fleet.rest<SipAccountView>('PUT', `/v1/apps/${app.appId}/sip-accounts/${username}`, app.key);
    const line = await SipLine.overUdp(fleet.state.ports.sip ?? 0);
    open.push(line);
    return new Phone(app, username, body.password ?? '', line);
  }

  async subscribe({ callId, toTag, expires = 600 }: { callId: string; toTag?: string | undefined; expires?: number }) {
    const uri = `sip:bob@${this.app.appId}`;
    const more = ['Contact: <sip:desk@127.0.0.1:5999>', 'Event: dialog', `Expires: ${expires}`];
    const asking = () => ({ method: 'SUBSCRIBE', uri, cseq: this.#cseq++, callId, toTag });
    const { nonce } = challengeIn(await this.line.ask({ ...asking(), more }));
    const credentials = { username: this.username, password: this.password, realm: this.app.appId };
    const answer = await this.line.ask({ ...asking(), more: [...more, digestLine(credentials, { method: 'SUBSCRIBE', uri, nonce })] });
    return {
      status: Number(/^SIP\/2\.0 (\d+)/.exec(answer)?.[1]),
      retryAfter: Number(/^Retry-After: (\d+)/m.exec(answer)?.[1] ?? 0),
      toTag: /^To: .*;tag=(\w+)/m.exec(answer)?.[1],
    };
  }

  endsTold(): number {
    return this.line.requests.filter((text) => /^Subscription-State: terminated/m.test(text)).length;
  }
}

async function appWith(limits: AppOptions['limits']): Promise<TestApp> {
  const app = await fleet.makeApp({ options: { limits, mediaSetupSeconds: 0 } });
  await fleet.makeUser(app, 'bob');
  await eventually('bob being known', async () => Number((await fleet.rest('GET', '/v1/presence/bob', app.key)).body.version) > 0);
  return app;
}

test('an account that subscribes too much is told when to come again, keeps what it has, and can end it; others are let in', async () => {
  const app = await appWith({ sip_subscriptions: { user: { perSecond: 0.02, burst: 2 } } });
  const [desk, other] = [await Phone.of(app, 'desk'), await Phone.of(app, 'other')];
  const first = await desk.subscribe({ callId: 'one' });
  expect([first.status, (await desk.subscribe({ callId: 'two' })).status]).toEqual([200, 200]);
  const refused = await desk.subscribe({ callId: 'three' });
  expect([refused.status, refused.retryAfter > 0]).toEqual([480, true]);
  // 480 would end what is renewed (RFC 6665 §4.1.2.3).
  const renewed = await desk.subscribe({ callId: 'one', toTag: first.toTag });
  expect([renewed.status, renewed.retryAfter > 0, desk.endsTold()]).toEqual([500, true, 0]);
  expect((await desk.subscribe({ callId: 'one', toTag: first.toTag, expires: 0 })).status).toBe(200);
  await eventually('the end being told', () => desk.endsTold() === 1);
  expect((await other.subscribe({ callId: 'four' })).status).toBe(200);
});

test('accounts of an app share what it may', async () => {
  const app = await appWith({ sip_subscriptions: { app: { perSecond: 0.02, burst: 1 } } });
  const [desk, other] = [await Phone.of(app, 'desk'), await Phone.of(app, 'other')];
  expect((await desk.subscribe({ callId: 'one' })).status).toBe(200);
  expect((await other.subscribe({ callId: 'two' })).status).toBe(480);
});

test('a user who joins media too often is told so, and the other one of the call joins', async () => {
  const app = await fleet.makeApp({ options: { limits: { media_sockets: { user: { perSecond: 0.02, burst: 1 } } } } });
  const people = new People(fleet, app);
  const dialed = await people.dial('alice', ['bob']);
  const answered = await people.act('answer', dialed.callId, 'bob');
  const joining = async (reply: typeof dialed) => {
    const device = new MediaDevice(People.credentialsIn(reply));
    open.push(device);
    return device.outcome();
  };
  expect(await joining(dialed)).toBe('joined');
  expect(await joining(dialed)).toBe('rate_limited');
  expect(await joining(answered)).toBe('joined');
  await people.act('hang-up', dialed.callId, 'alice');
});

test('both kinds are among the limits that are told', async () => {
  const app = await fleet.makeApp({ options: { limits: { media_sockets: { app: { perSecond: 7, burst: 70 } } } } });
  const { body } = await fleet.rest('GET', `/v1/apps/${app.appId}/limits`, app.key);
  expect(body).toMatchObject({
    media_sockets: { app: { perSecond: 7, burst: 70 }, user: {}, address: {} },
    sip_subscriptions: { app: {}, user: {}, address: {} },
  });
});
