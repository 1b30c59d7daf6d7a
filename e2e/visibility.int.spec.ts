/*
 * Who sees whom is the app's rule, at every door that shows presence, and a change of a group or of the rule holds within seconds on
 * watches and streams that stand. A user who is hidden is told as one who does not exist; keys see all.
 */
import type { Presence, PresenceList, PresenceVisibility, Problem } from '@communication-center/contracts';
import { endOf, eventually, Fleet, holds, Phones, PresenceReader, RawSocket, ringOf, type TestApp } from '@communication-center/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';

const fleet = new Fleet();
const phones = new Phones(fleet);
const doors = fleet.replicasOf('gateway').map((gateway) => `http://127.0.0.1:${fleet.state.ports[gateway]}`);
const operator = fleet.state.secrets.operatorKey;
const readers: PresenceReader[] = [];
const soonMs = 4000;
let app: TestApp;

beforeEach(async () => {
  app = await fleet.makeApp({ options: { mediaSetupSeconds: 0 } });
});
afterEach(() => {
  phones.closeAll();
  for (const reader of readers.splice(0)) reader.stop();
});

const choose = (presenceVisibility: PresenceVisibility) =>
  fleet.rest('PUT', `/v1/apps/${app.appId}`, operator, { name: 'x', options: { mediaSetupSeconds: 0, presenceVisibility } });
const group = (userAlias: string, ...groups: string[]) => fleet.rest('PATCH', `/v1/users/${userAlias}`, app.key, { groups });
const seenBy = async (credential: string) =>
  (await fleet.rest<PresenceList>('GET', '/v1/presence', credential)).body.presences.map(({ userAlias }) => userAlias).sort();
const statusOf = async (userAlias: string, credential: string) => {
  const { status, body } = await fleet.rest<Presence | Problem>('GET', `/v1/presence/${userAlias}`, credential);
  return status === 200 ? (body as Presence).status : (body as Problem).code;
};

async function socketOf(userAlias: string, token: string, door?: string): Promise<RawSocket> {
  const socket = await RawSocket.open(fleet, door);
  socket.send({ type: 'connect', id: 'c', appId: app.appId, userAlias, deviceId: `${userAlias}-desk`, token });
  await socket.frame('connected');
  return socket;
}

/** @returns what a device shows of somebody, from all that it was told. */
function shownAt(socket: RawSocket, userAlias: string): string | undefined {
  let shown: Presence | undefined;
  for (const frame of socket.frames) {
    const news = frame.type === 'presence' ? [frame.presence] : frame.type === 'presences' ? frame.presences : [];
    if (frame.type === 'unseen' && frame.userAliases.some((one) => one === userAlias)) shown = undefined;
    for (const one of news) if (one.userAlias === userAlias && (!shown || shown.version < one.version)) shown = one;
  }
  return shown?.status;
}

test('where no groups are used everybody sees everybody; where they are, those who share one; a key sees all, and the groups', async () => {
  for (const name of ['ann', 'ben', 'cleo']) await fleet.makeUser(app, name);
  const token = await fleet.tokenOf(app, 'ann');
  await eventually('all being seen', async () => (await seenBy(token)).join() === 'ann,ben,cleo');
  await group('ann', 'red', 'blue');
  await group('ben', 'blue', 'blue');
  await eventually('ann seeing her group', async () => (await seenBy(token)).join() === 'ann,ben', soonMs);
  expect([await statusOf('cleo', token), await statusOf('nobody', token)]).toEqual(['unknown_user', 'unknown_user']);
  expect(await seenBy(app.key)).toEqual(['ann', 'ben', 'cleo']);
  const told = (await fleet.rest<Presence>('GET', '/v1/presence/ben', token)).body;
  expect([told.groups, (await fleet.rest<Presence>('GET', '/v1/presence/ben', app.key)).body.groups]).toEqual([undefined, ['blue']]);
});

test('watches that stand follow a change of either’s groups and of the rule, at every gateway', async () => {
  for (const name of ['ann', 'ben', 'cleo']) await fleet.makeUser(app, name);
  const ben = await phones.connect(app, 'ben');
  const token = await fleet.tokenOf(app, 'ann');
  const sockets = await Promise.all(doors.map((door) => socketOf('ann', token, door)));
  for (const socket of sockets) {
    socket.send({ type: 'watch', id: 'w', userAliases: ['ben', 'cleo', 'nobody'] });
    expect((await socket.frame('presences')).unknown).toEqual(['nobody']);
  }
  const shown = (status: string | undefined) => () =>
    sockets.every((socket) => (shownAt(socket, 'ben') ?? 'offline') === (status ?? 'offline'));
  await eventually('ben being online', shown('online'));
  await group('ben', 'red');
  await eventually('ben being hidden by his group', shown(undefined), soonMs);
  const before = sockets.map(({ frames }) => frames.length);
  await ben.center.setAway(true);
  await holds(
    'nothing being told of who is hidden',
    () => sockets.every(({ frames }, index) => frames.slice(before[index]).every(({ type }) => type !== 'presence')),
    700,
  );
  await group('ann', 'red');
  await eventually('ann seeing ben by her group', shown('away'), soonMs);
  expect(sockets.map((socket) => shownAt(socket, 'cleo'))).toEqual(sockets.map(() => undefined));
  await choose('keys_only');
  await eventually('nobody being seen', shown(undefined), soonMs);
  for (const [index, socket] of sockets.entries()) {
    socket.send({ type: 'watch', id: `again-${index}`, userAliases: ['ben', 'nobody'] });
    expect((await socket.frame('presences', ({ id }) => id === `again-${index}`)).unknown).toEqual(['ben', 'nobody']);
  }
  await choose('everyone');
  await eventually('everybody being seen', shown('away'), soonMs);
  for (const socket of sockets) socket.close();
});

test('in a call people see each other as long as it goes on', async () => {
  await choose('in_call');
  const [alice, bob] = [await phones.connect(app, 'alice'), await phones.connect(app, 'bob')];
  const token = await fleet.tokenOf(app, 'alice');
  const socket = await socketOf('alice', token);
  socket.send({ type: 'watch', id: 'w', userAliases: ['bob'] });
  expect((await socket.frame('presences')).unknown).toEqual(['bob']);
  const call = await alice.center.call(['bob']);
  await (await ringOf(bob)).answer();
  await eventually('bob being seen', () => shownAt(socket, 'bob') === 'busy', soonMs);
  expect(await statusOf('bob', token)).toBe('busy');
  await call.hangUp();
  await endOf(call);
  await eventually('bob being gone', () => shownAt(socket, 'bob') === 'offline', soonMs);
  expect(await statusOf('bob', token)).toBe('unknown_user');
  expect(await statusOf('bob', app.key)).toBe('online');
  socket.close();
});

test('a stream of a user shows whom the user may see, and begins anew when that changes; a key’s shows all', async () => {
  for (const name of ['ann', 'ben', 'cleo']) await fleet.makeUser(app, name);
  const [mine, all] = [new PresenceReader(fleet.url, await fleet.tokenOf(app, 'ann'), ''), new PresenceReader(fleet.url, app.key, '')];
  readers.push(mine, all);
  await eventually('the streams being up', () => mine.ready && all.ready);
  await eventually('everybody being told', () => mine.of('ben') && mine.of('cleo') && all.of('cleo'));
  await group('ben', 'red');
  await eventually('the key hearing of the group', () => all.of('ben')?.groups?.join() === 'red', soonMs);
  await phones.connect(app, 'cleo');
  await eventually('cleo being told', () => mine.of('cleo')?.status === 'online', soonMs);
  const heard = mine.told.length;
  await phones.connect(app, 'ben');
  await eventually('the key hearing of ben', () => all.of('ben')?.status === 'online', soonMs);
  await holds('nothing being told of ben', () => mine.told.slice(heard).every(({ userAlias }) => userAlias !== 'ben'), 500);
  const resets = mine.resets;
  await group('ann', 'red');
  await eventually('the stream beginning anew, with ben', () => mine.resets > resets && mine.of('ben')?.status === 'online', soonMs);
  expect(mine.told.every((presence) => presence.groups === undefined)).toBe(true);
});

test('a rule is in force from the first question on, and groups are refused by name where they are too many or too long', async () => {
  const closed = await fleet.makeApp({ options: { presenceVisibility: 'keys_only' } });
  await fleet.makeUser(closed, 'ben');
  expect(await statusOf('ben', await fleet.tokenOf(closed, 'ann'))).toBe('unknown_user');
  for (const groups of [Array.from({ length: 51 }, (_, index) => `g${index}`), ['x'.repeat(65)], ['']])
    expect((await fleet.rest<Problem>('PUT', '/v1/users/ben', app.key, { groups })).body.code).toBe('invalid_request');
});
