/*
 * Who cannot be called reads: by requests that wait, by a stream, by a consumer whose place is kept; of his own app alone, what he
 * wants of it, and no longer than his key is good.
 */
import type { ApiKeyView, CallReply, Problem } from '@communication-center/contracts';
import type { ConsumerView, EventPage, ReadEvent } from '@communication-center/contracts/reading-events';
import { EventFollower, eventually, Fleet, type TestApp } from '@communication-center/testing';
import { afterEach, beforeAll, expect, test } from 'vitest';

const fleet = new Fleet();
const following: EventFollower[] = [];
let app: TestApp;

beforeAll(async () => {
  app = await fleet.makeApp({ options: { mediaSetupSeconds: 0, eventLog: true } });
  await Promise.all(['alice', 'bob'].map((alias) => fleet.makeUser(app, alias)));
  // The option is known once its event has come.
  await eventually('events being kept', async () => (await ask('GET', '/v1/events')).status === 200, 20_000);
});
afterEach(() => {
  for (const one of following.splice(0)) one.stop();
});

const ask = <T = EventPage>(method: string, path: string, body?: object, key = app.key) => fleet.rest<T & Problem>(method, path, key, body);
const follow = (query = '', key = app.key) => {
  const follower = new EventFollower(fleet.url, key, query);
  following.push(follower);
  return follower;
};
/** A call from its dial to its end. */
async function call(more: object = {}): Promise<string> {
  const { body } = await ask<CallReply>('POST', '/v1/calls', { userAlias: 'alice', callees: ['bob'], ...more });
  expect((await ask('POST', `/v1/calls/${body.callId}/end`)).status).toBeLessThan(300);
  return body.callId;
}
const ended = (events: readonly ReadEvent[], callId: string) =>
  events.some(({ type, data }) => type === 'call.ended' && data.callId === callId);

test('an app that keeps no events says so; with a consumer it keeps them from then on', async () => {
  const other = await fleet.makeApp();
  expect(await ask('GET', '/v1/events', undefined, other.key)).toMatchObject({ status: 409, body: { code: 'events_not_kept' } });
  expect((await fetch(`${fleet.url}/v1/events/stream`, { headers: { authorization: `Bearer ${other.key}` } })).status).toBe(409);
  expect((await ask('PUT', '/v1/events/consumers/one', {}, other.key)).status).toBe(200);
  // Who made the app, and its key, may be told of since.
  expect(await ask('GET', '/v1/events?eventType=call.*', undefined, other.key)).toMatchObject({
    status: 200,
    body: { events: [], hasMore: false },
  });
});

test('a request that waits is answered with the next event that it wants, soon after it happened', async () => {
  const { next } = (await ask('GET', '/v1/events?after=end')).body;
  const waiting = ask('GET', `/v1/events?after=${next}&wait=15&eventType=call.ended`);
  const callId = await call();
  const page = await waiting;
  expect(page.status).toBe(200);
  expect(page.body.events.map(({ type, data }) => [type, data.callId])).toEqual([['call.ended', callId]]);
  // What else is told of the app, as of its keys, comes when it comes.
  const all = await ask('GET', `/v1/events?after=${next}&eventType=call.*`);
  expect(all.body.events.map(({ data }) => data.sequence)).toEqual(all.body.events.map((_, index) => index + 1));
  // By time, by call, by user and by what it was dialed with.
  const marked = await call({ customData: { line: 'sales' }, callType: 'audio_only' });
  const from = `since=${all.body.events[0]?.timestamp}&eventType=call.*`;
  const wishes = [`callId=${marked}`, 'callType=audio_only', `customData=${encodeURIComponent('{"line":"sales"}')}`];
  for (const wish of wishes) {
    await eventually(wish, async () => ended((await ask('GET', `/v1/events?${from}&${wish}`)).body.events, marked));
    const { events } = (await ask('GET', `/v1/events?${from}&${wish}&userAlias=bob`)).body;
    expect(new Set(events.map(({ data }) => data.callId)), wish).toEqual(new Set([marked]));
  }
  expect((await ask('GET', `/v1/events?${from}&userAlias=nobody`)).body.events).toEqual([]);
  expect(await ask('GET', '/v1/events?after=bm90aGluZw')).toMatchObject({ status: 400, body: { code: 'invalid_request' } });
});

test('a stream tells what happens, in order, and goes on after the last event that its reader got', async () => {
  // What becomes of notifications of a call comes seconds after it.
  const ofCalls = '?eventType=call.*';
  const first = follow(ofCalls);
  await eventually('the stream', () => first.lastEventId !== undefined);
  const one = await call();
  await eventually('the call', () => ended(first.told, one));
  const { lastEventId } = first;
  first.stop();
  const two = await call();
  const second = new EventFollower(fleet.url, app.key, ofCalls, lastEventId);
  following.push(second);
  await eventually('the call meanwhile', () => ended(second.told, two));
  expect(second.told.filter(({ id }) => first.told.some((told) => told.id === id))).toEqual([]);
  expect(second.told.map(({ data }) => data.callId)).toEqual(second.told.map(() => two));
  expect([first.status, second.status]).toEqual([200, 200]);
});

test('a consumer reads on from what it has acknowledged, and two who read it get the same', async () => {
  const at = '/v1/events/consumers/billing';
  expect((await ask<ConsumerView>('PUT', at, { eventTypes: ['call.ended'] })).body).toMatchObject({ name: 'billing' });
  const callId = await call();
  const read = () => ask('GET', `${at}/events?wait=10`);
  await eventually('the call', async () => ended((await read()).body.events, callId));
  const [one, other] = await Promise.all([read(), read()]);
  expect(other.body).toEqual(one.body);
  expect((await ask<ConsumerView>('POST', `${at}/acknowledge`, { cursor: one.body.next })).status).toBe(200);
  expect((await ask('GET', `${at}/events`)).body.events).toEqual([]);
  const other_app = await fleet.makeApp();
  expect((await ask('GET', `${at}/events`, undefined, other_app.key)).status).toBe(404);
  expect((await ask('POST', `${at}/acknowledge`, { cursor: one.body.next }, other_app.key)).status).toBe(404);
  expect((await ask('DELETE', at)).status).toBe(204);
  expect((await ask('GET', at)).status).toBe(404);
});

test('another app is told nothing, its cursor is refused, and a key that is revoked ends its stream within two seconds', async () => {
  const other = await fleet.makeApp({ options: { mediaSetupSeconds: 0, eventLog: true } });
  await eventually('events being kept', async () => (await ask('GET', '/v1/events', undefined, other.key)).status === 200, 20_000);
  const { body: key } = await ask<ApiKeyView>('POST', `/v1/apps/${app.appId}/api-keys`, { name: 'reader', scopes: ['webhooks'] });
  const [mine, theirs] = [follow('', key.secret), follow('', other.key)];
  await eventually('both streams', () => mine.lastEventId !== undefined && theirs.lastEventId !== undefined);
  const callId = await call();
  await eventually('the call', () => ended(mine.told, callId));
  expect(theirs.told).toEqual([]);
  const refused = await ask('GET', `/v1/events?after=${mine.lastEventId}`, undefined, other.key);
  expect(refused).toMatchObject({ status: 400, body: { code: 'invalid_request' } });
  const revokedAt = Date.now();
  expect((await ask('DELETE', `/v1/apps/${app.appId}/api-keys/${key.keyId}`)).status).toBe(204);
  await eventually('the stream being over', () => mine.hasEnded);
  expect(Date.now() - revokedAt).toBeLessThan(2500);
  expect(theirs.hasEnded).toBe(false);
});
