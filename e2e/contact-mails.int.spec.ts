/* Whom an app names as its contact gets an e-mail, over SMTP, when the Center disables one of its endpoints; the record says so, and no topic holds the address. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { AppView, AuditList, CallReply, EndpointView, Problem } from '@communication-center/contracts';
import { eventually, Fleet, MailServer } from '@communication-center/testing';
import { expect, test } from 'vitest';

const fleet = new Fleet();

test('an endpoint that says it is gone is disabled, and the contact of the app is written to', async () => {
  const mail = await MailServer.start(fleet);
  const gone = createServer((_request, response) => response.writeHead(410).end());
  await new Promise<void>((resolve) => gone.listen(0, '127.0.0.1', resolve));
  const app = await fleet.makeApp({ options: { mediaSetupSeconds: 0, contactEmail: 'ops@shop.example' } });
  const path = `/v1/apps/${app.appId}`;
  expect((await fleet.rest<AppView>('GET', path, app.key)).body.options.contactEmail).toBe('ops@shop.example');
  const refused = await fleet.rest<Problem>('PUT', path, fleet.state.secrets.operatorKey, {
    name: 'x',
    options: { contactEmail: 'nobody' },
  });
  expect([refused.status, refused.body.fields?.map(({ field }) => field)]).toEqual([400, ['options.contactEmail']]);
  await Promise.all(['alice', 'bob'].map((alias) => fleet.makeUser(app, alias)));
  const url = `http://127.0.0.1:${(gone.address() as AddressInfo).port}/`;
  const { body: endpoint } = await fleet.rest<EndpointView>('POST', '/v1/webhook-endpoints', app.key, { url });
  await fleet.rest<CallReply>('POST', '/v1/calls', app.key, { userAlias: 'alice', callees: ['bob'] });
  const letter = await eventually('the letter', () => mail.mails.find(({ text }) => text?.includes(endpoint.endpointId)), 30_000);
  expect([letter.to].flat()[0]?.text).toBe('ops@shop.example');
  expect(letter.subject).toBe(`A webhook endpoint of ${app.appId} was disabled`);
  expect(letter.text).toContain('it answered 410 Gone');
  const { entries } = (await fleet.rest<AuditList>('GET', `${path}/audit?limit=200`, app.key)).body;
  const noted = entries.filter(({ act }) => act === 'endpoint.disabled');
  expect(noted.map(({ actor, target }) => [actor, target])).toEqual([['center', `webhooks: ${endpoint.endpointId}: it answered 410 Gone`]]);
  expect(mail.mails.filter(({ text }) => text?.includes(endpoint.endpointId))).toHaveLength(1);
  gone.close();
  await mail.stop();
}, 60_000);
