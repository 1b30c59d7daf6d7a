/*
 * What admins do to an app, and who was refused in it, is on record, listed, and told to endpoints that ask for it.
 */
import type { AuditList, EndpointView } from '@communication-center/contracts';
import { eventually, Fleet, WebhookReceiver } from '@communication-center/testing';
import { expect, test } from 'vitest';

const fleet = new Fleet();

test('acts are listed with who did them, and told to endpoints; a flood of refused sign-ins is a few entries', async () => {
  const app = await fleet.makeApp();
  const receiver = await WebhookReceiver.start();
  const endpoint = { url: receiver.url, eventTypes: ['audit.*'] };
  receiver.secret = (await fleet.rest<EndpointView>('POST', '/v1/webhook-endpoints', app.key, endpoint)).body.secret ?? '';
  // What was noted while the app was made may come before anybody could know the secret.
  receiver.badSignatures.length = 0;
  const stream = await fetch(`${fleet.url}/v1/apps/${app.appId}/audit/stream`, { headers: { authorization: `Bearer ${app.key}` } });
  expect([stream.status, stream.headers.get('content-type')]).toEqual([200, 'text/event-stream']);
  const reading = (stream.body as ReadableStream<Uint8Array>).getReader();
  const text = new TextDecoder();
  let streamed = '';
  const readOn = async () => {
    for (let part = await reading.read(); !part.done; part = await reading.read()) streamed += text.decode(part.value, { stream: true });
  };
  const read = readOn().catch(() => undefined);
  await fleet.makeUser(app, 'ann');
  await fleet.rest('POST', '/v1/users/ann/revoke', app.key);
  await fleet.tokenOf(app, 'ann');
  const token = await fleet.tokenOf(app, 'ben');
  const forged = `${token.slice(0, -8)}AAAAAAAA`;
  for (let time = 0; time < 30; time += 1) expect((await fleet.rest('GET', '/v1/users/ben', forged)).status).toBe(401);
  const entries = async () => (await fleet.rest<AuditList>('GET', `/v1/apps/${app.appId}/audit?limit=200`, app.key)).body.entries;
  const has = (act: string, actor: string, target: string) => async () =>
    (await entries()).some((one) => one.act === act && one.actor.startsWith(actor) && one.target === target);
  await eventually('the revocation on record', has('user.revoked', 'key:', 'ann'));
  await eventually('who minted a token on record', has('user_token.minted', 'key:', 'ann'));
  await eventually('the refusal on record', has('sign_in.refused', 'nobody', 'unauthenticated'));
  expect((await entries()).filter(({ act }) => act === 'sign_in.refused').length).toBeLessThanOrEqual(fleet.replicasOf('directory').length);
  await eventually(
    'the endpoint being told',
    () => receiver.received.some(({ body }) => body.type === 'audit.noted' && body.data.act === 'user.revoked'),
    15_000,
  );
  const told = receiver.received.find(({ body }) => body.data.act === 'user.revoked')?.body;
  expect(told).toMatchObject({ type: 'audit.noted', data: { appId: app.appId, target: 'ann', actor: expect.stringMatching(/^key:/) } });
  await eventually('the stream telling it', () => streamed.includes('"act":"user.revoked","target":"ann"'));
  await reading.cancel();
  await read;
  expect(receiver.badSignatures).toEqual([]);
  await receiver.stop();
});
