/*
 * Hundreds who follow the record of one app at once are as many as may, and the rest are told to come again; whoever is in is told what is
 * put on record, another app is served beside them, and who leaves makes room.
 */
import { eventually, Fleet, type TestApp } from '@communication-center/testing';
import { afterEach, expect, test } from 'vitest';

const fleet = new Fleet();
const replicas = fleet.replicasOf('directory').length;
const mostOfApp = 10 * replicas;
const open: AbortController[] = [];

afterEach(() => {
  for (const one of open.splice(0)) one.abort();
});

async function follow({ appId, key }: TestApp) {
  const leaving = new AbortController();
  open.push(leaving);
  const stream = await fetch(`${fleet.url}/v1/apps/${appId}/audit/stream`, {
    headers: { authorization: `Bearer ${key}` },
    signal: leaving.signal,
  });
  const followed = { status: stream.status, retryAfter: Number(stream.headers.get('retry-after')), said: '', leave: () => leaving.abort() };
  void (async () => {
    const text = new TextDecoder();
    for await (const part of stream.body ?? []) followed.said += text.decode(part, { stream: true });
  })().catch(() => undefined);
  return followed;
}

test('of three hundred streams of an app some are served, each of the rest is refused by its limit, and nobody else is', async () => {
  const [app, other] = [await fleet.makeApp(), await fleet.makeApp()];
  const all = await Promise.all(Array.from({ length: 300 }, () => follow(app)));
  const served = all.filter(({ status }) => status === 200);
  expect(served.length).toBeGreaterThanOrEqual(10);
  expect(served.length).toBeLessThanOrEqual(mostOfApp);
  const refused = all.filter(({ status }) => status !== 200);
  expect(refused.filter(({ status, retryAfter }) => status !== 429 || !(retryAfter > 0))).toEqual([]);
  await eventually('a refusal being read', () => refused.every(({ said }) => said.includes('"code":"rate_limited"')));
  expect((await follow(other)).status).toBe(200);
  await fleet.makeUser(app, 'ann');
  await fleet.rest('POST', '/v1/users/ann/revoke', app.key);
  await eventually('all who follow being told', () => served.every(({ said }) => said.includes('"act":"user.revoked"')));
  for (const { leave } of served) leave();
  await eventually('room for others', async () => (await follow(app)).status === 200);
});
