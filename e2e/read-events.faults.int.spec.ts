/*
 * Whoever reads events loses none of them, whichever process is killed (-9) meanwhile: a stream goes on after the last event that its
 * reader got, and a consumer where it acknowledged.
 */
import type { CallReply } from '@communication-center/contracts';
import type { ConsumerView, EventPage, ReadEvent } from '@communication-center/contracts/reading-events';
import { EventFollower, eventually, Fleet, type TestApp } from '@communication-center/testing';
import { expect, test } from 'vitest';

const fleet = new Fleet();

async function call(app: TestApp): Promise<string> {
  const { body } = await fleet.rest<CallReply>('POST', '/v1/calls', app.key, { userAlias: 'alice', callees: ['bob'] });
  await fleet.rest('POST', `/v1/calls/${body.callId}/end`, app.key);
  return body.callId;
}
const endedIn = (events: readonly ReadEvent[]) => events.filter(({ type }) => type === 'call.ended').map(({ data }) => data.callId);

test('no event is missed by a stream, or by a consumer, while its service and its door are killed', async () => {
  const app = await fleet.makeApp({ options: { mediaSetupSeconds: 0 } });
  await Promise.all(['alice', 'bob'].map((alias) => fleet.makeUser(app, alias)));
  const at = '/v1/events/consumers/ledger';
  await fleet.rest('PUT', at, app.key, {});
  const told: ReadEvent[] = [];
  const calls: string[] = [];
  let follower = new EventFollower(fleet.url, app.key);
  await eventually('the stream', () => follower.lastEventId !== undefined);
  const acknowledged: ReadEvent[] = [];
  for (const killed of ['webhooks', 'gateway'] as const) {
    calls.push(await call(app));
    const page = await fleet.rest<EventPage>('GET', `${at}/events?wait=10`, app.key);
    const { body } = await fleet.rest<ConsumerView>('POST', `${at}/acknowledge`, app.key, { cursor: page.body.next });
    acknowledged.push(...page.body.events);
    await fleet.killAndAwait(killed);
    expect((await fleet.rest<ConsumerView>('GET', at, app.key)).body.position).toBe(body.position);
    calls.push(await call(app));
    await eventually('the stream having broken off', () => follower.hasEnded, 30_000);
    told.push(...follower.told);
    const last = follower.lastEventId;
    await eventually(
      'the stream being there again',
      async () => {
        follower = new EventFollower(fleet.url, app.key, '', last);
        await eventually('an answer', () => follower.status !== undefined || follower.hasEnded);
        return follower.status === 200;
      },
      20_000,
    );
  }
  await eventually('all calls', () => endedIn([...told, ...follower.told]).length >= calls.length, 30_000);
  const all = [...told, ...follower.told];
  follower.stop();
  expect(endedIn(all)).toEqual(calls);
  expect(new Set(all.map(({ id }) => id)).size).toBe(all.length);
  await eventually('the consumer having all', async () => {
    const { body } = await fleet.rest<EventPage>('GET', `${at}/events`, app.key);
    return new Set(endedIn([...acknowledged, ...body.events])).size === calls.length;
  });
});
