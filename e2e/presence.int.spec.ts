/*
 * Presence as CTI systems read it: in batches, as a stream, over a socket and by webhook. No version goes
 * back, nothing is missed, and nobody stays where he is not.
 */
import type { ApiKeyView, EndpointView, Presence, PresenceList } from '@communication-center/contracts';
import {
  endOf,
  eventually,
  FlakyLine,
  Fleet,
  type Phone,
  Phones,
  PresenceReader,
  ringOf,
  type TestApp,
  WebhookReceiver,
} from '@communication-center/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

const fleet = new Fleet();
const phones = new Phones(fleet);
const readers: PresenceReader[] = [];
let app: TestApp;

beforeEach(async () => {
  app = await fleet.makeApp({ options: { mediaSetupSeconds: 0 } });
});

afterEach(() => {
  phones.closeAll();
  for (const reader of readers.splice(0)) reader.stop();
});

function read(query = '', lastEventId?: string, url = fleet.url): PresenceReader {
  const reader = new PresenceReader(url, app.key, query, lastEventId);
  readers.push(reader);
  return reader;
}

const presenceOf = async (userAlias: string) =>
  (await fleet.rest<Presence>('GET', `/v1/presence/${encodeURIComponent(userAlias)}`, app.key)).body;

describe('a reading', () => {
  test('tells away and do not disturb, of devices and of their user', async () => {
    const [phone, tablet] = [
      await phones.connect(app, 'bob', { deviceId: 'phone' }),
      await phones.connect(app, 'bob', { deviceId: 'tablet' }),
    ];
    await phone.center.setAway(true);
    await eventually('one device being away', async () => {
      const { status, devices } = await presenceOf('bob');
      return status === 'online' && devices.find(({ deviceId }) => deviceId === 'phone')?.status === 'away';
    });
    await tablet.center.setAway(true);
    await eventually('bob being away', async () => (await presenceOf('bob')).status === 'away');
    await tablet.center.setAway(false);
    await eventually('bob being back', async () => (await presenceOf('bob')).status === 'online');
    await fleet.makeUser(app, 'bob', { doNotDisturb: true });
    await eventually('the wish', async () => (await presenceOf('bob')).status === 'do_not_disturb');
  });

  test('of many is had by alias, by status, and in pages of everybody', async () => {
    const names = ['Zoë Müller', 'a/b?c', 'carol', 'dave', '田中'];
    for (const name of names) await fleet.makeUser(app, name);
    await phones.connect(app, 'carol');
    const list = async (query: string) => (await fleet.rest<PresenceList>('GET', `/v1/presence?${query}`, app.key)).body;
    await eventually('all being told', async () => (await list('')).presences.length === names.length);
    const wanted = ['a/b?c', '田中', 'nobody'].map((name) => `userAlias=${encodeURIComponent(name)}`).join('&');
    expect((await list(wanted)).presences.map(({ userAlias }) => userAlias).sort()).toEqual(['a/b?c', '田中']);
    await eventually('carol online', async () => (await list('status=online')).presences.map((one) => one.userAlias).join() === 'carol');
    const seen: string[] = [];
    for (let cursor: string | null = ''; cursor !== null; ) {
      const page: PresenceList = await list(`limit=2${cursor && `&cursor=${cursor}`}`);
      seen.push(...page.presences.map(({ userAlias }) => userAlias));
      cursor = page.nextCursor;
    }
    expect(seen.sort()).toEqual([...names].sort());
    expect((await fleet.rest('GET', '/v1/presence?alias=x', app.key)).body).toMatchObject({ code: 'invalid_request' });
  });
});

describe('the stream', () => {
  test('tells a fresh reader where everybody is, then every change, in order and once', async () => {
    await fleet.makeUser(app, 'bob');
    await phones.connect(app, 'alice');
    const reader = read();
    await eventually('being up to date', () => reader.ready);
    await eventually('alice', () => reader.of('alice')?.status === 'online');
    const bob = await phones.connect(app, 'bob');
    await eventually('bob coming', () => reader.of('bob')?.status === 'online');
    bob.center.close();
    const closedAt = Date.now();
    await eventually('bob going', () => reader.of('bob')?.status === 'offline');
    expect(Date.now() - closedAt, 'a clean close is seen at once').toBeLessThan(2500);
    expect(reader.faults).toEqual([]);
  });

  test('is taken up again with Last-Event-ID, through the other gateway, and misses nothing', async () => {
    const reader = read();
    await eventually('being up to date', () => reader.ready);
    const alice = await phones.connect(app, 'alice');
    await eventually('alice coming', () => reader.of('alice')?.status === 'online');
    reader.stop();
    const call = await alice.center.call(['alice-other']).catch(() => undefined);
    expect(call).toBeUndefined();
    await fleet.makeUser(app, 'bob');
    const ringing = await alice.center.call(['bob']);
    // What is over before anybody looks is not told.
    await eventually('alice being busy', async () => (await presenceOf('alice')).status === 'busy');
    await ringing.hangUp();
    alice.center.close();
    await eventually('alice being gone', async () => (await presenceOf('alice')).status === 'offline');
    const again = read('', reader.lastEventId, `http://127.0.0.1:${fleet.state.ports['gateway-2']}`);
    await eventually('the last change', () => again.of('alice')?.status === 'offline');
    const versions = [...reader.told, ...again.told].filter(({ userAlias }) => userAlias === 'alice').map(({ version }) => version);
    expect(versions).toEqual(Array.from({ length: versions.length }, (_, index) => (versions[0] as number) + index));
    expect(again.resets).toBe(0);
    expect(again.told.filter(({ userAlias }) => userAlias === 'alice').some(({ status }) => status === 'busy')).toBe(true);
  });

  test('filters by alias, begins anew for an id it does not know, and refuses one that is none', async () => {
    for (const name of ['alice', 'bob']) await fleet.makeUser(app, name);
    const reader = read('?userAlias=bob', '999999999');
    await eventually('beginning anew', () => reader.ready && reader.resets === 1);
    await phones.connect(app, 'alice');
    await phones.connect(app, 'bob');
    await eventually('bob coming', () => reader.of('bob')?.status === 'online');
    expect(reader.told.every(({ userAlias }) => userAlias === 'bob')).toBe(true);
    const wrong = await fetch(new URL('/v1/presence/stream', fleet.url), {
      headers: { authorization: `Bearer ${app.key}`, 'last-event-id': 'yesterday' },
    });
    expect([wrong.status, (await wrong.json()) as object]).toMatchObject([400, { code: 'invalid_request' }]);
    expect((await fetch(new URL('/v1/presence/stream', fleet.url))).status).toBe(401);
  });

  test('ends when its key is revoked', async () => {
    const admin = `/v1/apps/${app.appId}/api-keys`;
    const made = await fleet.rest<ApiKeyView>('POST', admin, app.key, { name: 'reader', scopes: ['presence'] });
    const stream = await fetch(new URL('/v1/presence/stream', fleet.url), { headers: { authorization: `Bearer ${made.body.secret}` } });
    expect(stream.status).toBe(200);
    await fleet.rest('DELETE', `${admin}/${made.body.keyId}`, app.key);
    const over = await Promise.race([
      stream.text().then(
        () => true,
        () => true,
      ),
      new Promise((resolve) => setTimeout(resolve, 8000, false)),
    ]);
    expect(over).toBe(true);
  });
});

describe('told by webhook', () => {
  test('a webhook tells each change, in order', async () => {
    const receiver = await WebhookReceiver.start();
    const endpoint = await fleet.rest<EndpointView>('POST', '/v1/webhook-endpoints', app.key, {
      url: receiver.url,
      eventTypes: ['presence.changed'],
    });
    receiver.secret = endpoint.body.secret ?? '';
    const bob = await phones.connect(app, 'bob');
    const statuses = () => receiver.received.map(({ body }) => (body.data as unknown as Presence).status);
    await eventually('bob coming', () => statuses().includes('online'));
    bob.center.close();
    await eventually('bob going', () => statuses().at(-1) === 'offline');
    expect(receiver.badSignatures).toEqual([]);
    expect(receiver.received.every(({ body }) => body.type === 'presence.changed')).toBe(true);
    const sequences = receiver.received.map(({ body }) => body.data.sequence);
    expect(sequences).toEqual([...sequences].sort((one, other) => one - other));
    await receiver.stop();
  });
});

describe('a user with a device that is far, or with two', () => {
  test('a pulled cable is noticed: packets vanish, and the user is offline within half a minute', async () => {
    const line = await FlakyLine.open([fleet.url]);
    await phones.connect(app, 'bob', { url: line.url, deviceId: 'far-away' });
    await eventually('bob being online', async () => (await presenceOf('bob')).status === 'online');
    line.silence();
    await eventually('bob being offline', async () => (await presenceOf('bob')).status === 'offline', 30_000);
    line.heal();
    await eventually('bob being back', async () => (await presenceOf('bob')).status === 'online', 30_000);
    phones.closeAll();
    await line.close();
  }, 90_000);

  test('two devices of one user are told apart while one talks and moves to another device', async () => {
    const [alice, phone, tablet] = (await Promise.all([
      phones.connect(app, 'alice'),
      phones.connect(app, 'bob', { deviceId: 'phone' }),
      phones.connect(app, 'bob', { deviceId: 'tablet' }),
    ])) as [Phone, Phone, Phone];
    await fleet.makeUser(app, 'carol');
    const call = await alice.center.call(['bob', 'carol']);
    const onPhone = await ringOf(phone);
    await onPhone.answer();
    const devices = async () => Object.fromEntries((await presenceOf('bob')).devices.map(({ deviceId, status }) => [deviceId, status]));
    await eventually(
      'only the phone being busy',
      async () => JSON.stringify(await devices()).includes('"phone":"busy"') && (await devices()).tablet === 'online',
    );
    await onPhone.hangUp();
    const onTablet = tablet.incoming.at(-1);
    await onTablet?.join();
    await eventually('only the tablet being busy', async () => (await devices()).tablet === 'busy' && (await devices()).phone === 'online');
    await call.hangUp();
    await onTablet?.hangUp();
    await endOf(call);
    await eventually('nobody being busy', async () => (await presenceOf('bob')).status === 'online');
  });
});
