/*
 * Presence while the Center is broken: no version goes back, nothing is missed, and nobody stays where he is not.
 */
import type { ToldPresence } from '@communication-center/client';
import type { Presence } from '@communication-center/contracts';
import { eventually, Fleet, holds, Phones, type TestApp } from '@communication-center/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

const fleet = new Fleet();
const phones = new Phones(fleet);
let app: TestApp;

beforeEach(async () => {
  app = await fleet.makeApp({ options: { mediaSetupSeconds: 0 } });
});

afterEach(() => phones.closeAll());

const presenceOf = async (userAlias: string) =>
  (await fleet.rest<Presence>('GET', `/v1/presence/${encodeURIComponent(userAlias)}`, app.key)).body;

describe('the stream', () => {
  test('goes on over the death (-9) of the gateway, of the presence service, of Redis and of a broker', async () => {
    const alice = await phones.connect(app, 'alice');
    await fleet.makeUser(app, 'bob');
    const heard: ToldPresence[] = [];
    const stop = new AbortController();
    const observer = await phones.connect(app, 'observer');
    const following = observer.center.followEverybody((presence) => heard.push(presence), stop.signal).catch(() => undefined);
    const statusOf = (userAlias: string) => heard.findLast((presence) => presence.userAlias === userAlias)?.status;
    await eventually('alice', () => statusOf('alice') === 'online');
    await fleet.killAndAwait('gateway');
    await fleet.killAndAwait('presence');
    // Redis holds no truth: emptied and away for a moment, it changes nothing.
    await fleet.control('redis', 'kill');
    const call = await alice.center.call(['bob']);
    await eventually('alice being busy', () => statusOf('alice') === 'busy', 30_000);
    await fleet.control('kafka', 'kill');
    await call.hangUp();
    await eventually('alice being free', () => statusOf('alice') === 'online', 60_000);
    const versions = heard.filter(({ userAlias }) => userAlias === 'alice').map(({ version }) => version);
    expect(versions).toEqual([...new Set(versions)].sort((one, other) => one - other));
    stop.abort();
    await following;
  }, 120_000);
});

/** A broker was killed a moment ago: until others lead what it led, nothing comes through those partitions. */
const afterABroker = 30_000;

describe('over a socket', () => {
  test('watched users are told of at once and whenever they change, over reconnects; a limit is kept', async () => {
    const alice = await phones.connect(app, 'alice');
    await fleet.makeUser(app, 'bob');
    const heard: ToldPresence[] = [];
    const unwatch = await alice.center.watch(['bob'], (presence) => heard.push(presence));
    await eventually('where bob is now', () => heard.at(-1)?.status === 'offline', afterABroker);
    const bob = await phones.connect(app, 'bob');
    await eventually('bob coming', () => heard.at(-1)?.status === 'online', afterABroker);
    await fleet.killAndAwait('gateway');
    bob.center.close();
    await eventually('bob going', () => heard.at(-1)?.status === 'offline', afterABroker);
    const versions = heard.map(({ version }) => version);
    expect(versions).toEqual([...new Set(versions)].sort((one, other) => one - other));
    unwatch();
    await phones.connect(app, 'bob');
    await eventually('bob being back', async () => (await presenceOf('bob')).status === 'online', afterABroker);
    await holds('nothing being told any more', () => heard.at(-1)?.status === 'offline', 300);
    const many = (from: number) => Array.from({ length: 100 }, (_, index) => `user-${from + index}`);
    for (let from = 0; from < 500; from += 100) await alice.center.watch(many(from), () => undefined);
    await expect(alice.center.watch(['one-more'], () => undefined)).rejects.toMatchObject({ code: 'too_many_watched' });
  }, 150_000);
});
