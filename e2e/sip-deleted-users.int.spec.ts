/*
 * A phone that follows somebody who is deleted is told so within two seconds, and that there is no use in asking again; and one that asks
 * for somebody who was deleted is answered as for one who never was.
 */
import type { SipAccountView } from '@communication-center/contracts';
import { challengeIn, digestLine, eventually, Fleet, holds, Phones, ringOf, SipLine, type TestApp } from '@communication-center/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';

const fleet = new Fleet();
const phones = new Phones(fleet);
const lines: SipLine[] = [];
let app: TestApp;
let password: string;
let cseq: number;

beforeEach(async () => {
  cseq = 0;
  app = await fleet.makeApp({ options: { mediaSetupSeconds: 0 } });
  password = (await fleet.rest<SipAccountView>('PUT', `/v1/apps/${app.appId}/sip-accounts/desk`, app.key)).body.password ?? '';
  await fleet.makeUser(app, 'bob');
  await eventually('bob being known', async () => Number((await fleet.rest('GET', '/v1/presence/bob', app.key)).body.version) > 0);
});

afterEach(() => {
  phones.closeAll();
  for (const line of lines.splice(0)) line.close();
});

async function line(): Promise<SipLine> {
  const made = await SipLine.overUdp(fleet.state.ports.sip ?? 0);
  lines.push(made);
  return made;
}

const statusOf = (answer: string) => Number(/^SIP\/2\.0 (\d+)/.exec(answer)?.[1]);
const lastOf = (one: SipLine) => one.requests.at(-1) ?? '';

/** Asks for bob's, as a phone that signs in does. @param toTag of the subscription that is renewed. */
async function subscribe(by: SipLine, event: 'dialog' | 'presence', toTag?: string): Promise<string> {
  const uri = `sip:bob@${app.appId}`;
  const more = ['Contact: <sip:desk@127.0.0.1:5999>', `Event: ${event}`, 'Expires: 600'];
  const asking = { method: 'SUBSCRIBE', uri, ...(toTag && { to: `<${uri}>;tag=${toTag}` }) };
  cseq += 1;
  const { nonce } = challengeIn(await by.ask({ ...asking, cseq, more }));
  cseq += 1;
  const shown = digestLine({ username: 'desk', password, realm: app.appId }, { method: 'SUBSCRIBE', uri, nonce });
  return by.ask({ ...asking, cseq, more: [...more, shown] });
}

const deleteBob = () => fleet.rest('DELETE', '/v1/users/bob', app.key);
const keptFor = () => fleet.query('sip', 'SELECT 1 FROM subscriptions WHERE app_id = $1', [app.appId]);

test.each(['dialog', 'presence'] as const)('a subscription to the %s of somebody ends with the user, for want of one', async (event) => {
  const [alice, bob] = [await phones.connect(app, 'alice'), await phones.connect(app, 'bob')];
  await alice.center.call(['bob']);
  await (await ringOf(bob)).answer();
  await eventually('bob being busy', async () => (await fleet.rest('GET', '/v1/presence/bob', app.key)).body.status === 'busy');
  const phone = await line();
  const taken = await subscribe(phone, event);
  expect(statusOf(taken)).toBe(200);
  const busy = event === 'dialog' ? '<state>confirmed</state>' : '<basic>open</basic>';
  await eventually('bob being told of', () => lastOf(phone).includes(busy));
  expect((await deleteBob()).status).toBe(204);
  await eventually('the end being told', () => lastOf(phone).includes('Subscription-State: terminated;reason=noresource\r\n'), 2000);
  // What shows him busy is told that he is not any more, and nothing after that.
  expect(lastOf(phone)).not.toContain(busy);
  const told = phone.requests.length;
  await eventually('nothing being kept of it', async () => (await keptFor()).length === 0);
  const tag = /^To:.*;tag=(\w+)/m.exec(taken)?.[1];
  expect(statusOf(await subscribe(phone, event, tag))).toBe(481);
  // Nobody can tell who is gone from who never was.
  expect(statusOf(await subscribe(phone, event))).toBe(404);
  await holds('nothing more being told', () => phone.requests.length === told, 500);
});

test('who follows somebody who was deleted a moment ago hears of it as well, whichever is heard of first', async () => {
  const phone = await line();
  const [, answer] = await Promise.all([deleteBob(), subscribe(phone, 'dialog')]);
  if (statusOf(answer) === 404) return;
  expect(statusOf(answer)).toBe(200);
  await eventually('the end being told', () => lastOf(phone).includes('Subscription-State: terminated;reason=noresource\r\n'), 2000);
});

test('a user who was made anew is followed anew, and stays so', async () => {
  const phone = await line();
  await subscribe(phone, 'presence');
  await deleteBob();
  await eventually('the end being told', () => lastOf(phone).includes('reason=noresource'), 2000);
  await fleet.makeUser(app, 'bob');
  await eventually('bob being known anew', async () => (await fleet.rest('GET', '/v1/presence/bob', app.key)).status === 200);
  const again = await line();
  expect(statusOf(await subscribe(again, 'presence'))).toBe(200);
  await phones.connect(app, 'bob');
  await eventually('bob being online', () => lastOf(again).includes('<basic>open</basic>'));
  expect(again.requests.every((text) => text.includes('Subscription-State: active;'))).toBe(true);
});
