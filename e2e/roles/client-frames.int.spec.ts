/*
 * Every frame that a client may send on its socket, tried by everybody there is: the user whose call, people and session it is about,
 * another user of the app, one of another app, whoever holds a credential that is expired, revoked, another's or no user's at all, and
 * nobody. Another app's user is answered as if what was named did not exist. The frames are those of the contract: one that is added
 * and has no line here fails.
 */
import { randomUUID } from 'node:crypto';
import {
  type CallReply,
  type ClientFrame,
  clientFrameSchema,
  type ProblemCode,
  type ServerFrame,
  serverFrameSchema,
} from '@communication-center/contracts';
import { eventually, Fleet, RawSocket } from '@communication-center/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Askers, makeAskers, withoutNames } from './askers.js';

/** What a frame names: a call, people, a credential, or nothing but the session of whoever sends it. */
type About = 'call' | 'people' | 'credential' | 'session';

interface Named {
  callId: string;
  userAlias: string;
  /** Of an app, and of whom a credential says it is. */
  appId: string;
  token: string;
}

interface Line {
  about: About;
  /** What the frame says besides its type and id; the user's own may say something else. */
  says?: (named: Named) => object;
}

const onCall = ({ callId }: Named) => ({ callId, commandId: `c-${randomUUID()}` });
const inviting = (named: Named) => ({ ...onCall(named), callees: [named.userAlias] });
const onPerson = (named: Named) => ({ ...onCall(named), participant: named.userAlias });
const people = ({ userAlias }: Named) => ({ userAliases: [userAlias] });

/** Refused to everybody else in the call. Who raises a hand lowers it again. */
const recording = ['start_recording', 'pause_recording', 'resume_recording', 'stop_recording', 'start_broadcast', 'stop_broadcast'];
const forInitiators = Object.fromEntries(
  ['kick', 'mute', 'allow', 'mute_all', 'lock', 'unlock', ...recording].map((type) => [type, 'forbidden']),
);

/** In the order in which the user sends them: most do something then. */
const frames: Record<ClientFrame['type'], Line> = {
  connect: { about: 'credential', says: ({ appId, userAlias, token }) => ({ appId, userAlias, token, deviceId: 'another' }) },
  ringing: { about: 'call', says: onCall },
  device_ringing: { about: 'session', says: ({ callId }) => ({ callId }) },
  ignore: { about: 'call', says: onCall },
  answer: { about: 'call', says: onCall },
  credentials: { about: 'call', says: ({ callId }) => ({ callId }) },
  request_upgrade: { about: 'call', says: onCall },
  accept_upgrade: { about: 'call', says: onCall },
  refuse_upgrade: { about: 'call', says: onCall },
  add: { about: 'call', says: inviting },
  ring: { about: 'call', says: inviting },
  kick: { about: 'call', says: onPerson },
  mute: { about: 'call', says: onPerson },
  allow: { about: 'call', says: onPerson },
  mute_all: { about: 'call', says: onCall },
  lock: { about: 'call', says: onCall },
  start_recording: { about: 'call', says: onCall },
  pause_recording: { about: 'call', says: onCall },
  resume_recording: { about: 'call', says: onCall },
  stop_recording: { about: 'call', says: onCall },
  start_broadcast: { about: 'call', says: onCall },
  stop_broadcast: { about: 'call', says: onCall },
  unlock: { about: 'call', says: onCall },
  raise_hand: { about: 'call', says: onCall },
  lower_hand: { about: 'call', says: onCall },
  dial: { about: 'people', says: ({ userAlias }) => ({ callees: [userAlias], commandId: `c-${randomUUID()}` }) },
  profiles: { about: 'people', says: people },
  watch: { about: 'people', says: people },
  unwatch: { about: 'people', says: people },
  cancel_dial: { about: 'session', says: () => ({ commandId: 'dial-of-rita' }) },
  set_away: { about: 'session', says: () => ({ away: true }) },
  refresh: { about: 'credential', says: ({ token }) => ({ token }) },
  ping: { about: 'session' },
  hang_up: { about: 'call', says: onCall },
  join: { about: 'call', says: onCall },
  decline: { about: 'call', says: onCall },
  sign_out: { about: 'session' },
};
const types = Object.keys(frames) as ClientFrame['type'][];

/** Who is sent which frame: nobody else ever. */
const hearers: Record<ServerFrame['type'], 'who asked' | 'people of the call' | 'who watches' | 'the session'> = {
  connected: 'who asked',
  reply: 'who asked',
  profiles: 'who asked',
  presences: 'who asked',
  done: 'who asked',
  error: 'who asked',
  pong: 'who asked',
  event: 'people of the call',
  presence: 'who watches',
  unseen: 'who watches',
  token_expiring: 'the session',
  draining: 'the session',
};

/** What tells somebody that a frame is not for him: the user herself never hears it of her own. */
const notForYou: readonly ProblemCode[] = [
  'unauthenticated',
  'forbidden',
  'call_not_found',
  'not_a_participant',
  'unknown_user',
  'unknown_app',
  'invalid_request',
  'malformed_frame',
];

const fleet = new Fleet();
const open: RawSocket[] = [];
let askers: Askers;
let callId: string;
let rita: RawSocket;

beforeEach(async () => {
  askers = await makeAskers(fleet);
  rita = await connected('rita-of-mine', askers.tokens.rita);
  const dialed = await fleet.rest<CallReply>('POST', '/v1/calls', askers.mine.key, {
    userAlias: 'alice-of-mine',
    deviceId: 'alice-desk',
    callees: ['rita-of-mine'],
    ringSeconds: 120,
  });
  callId = dialed.body.callId;
  await rita.frame('event', ({ event }) => event.type === 'call.dialed' && event.callid === callId);
  await eventually('her presence being told', async () => (await read('/v1/presence/rita-of-mine')).status === 'busy');
});
afterEach(() => {
  for (const socket of open.splice(0)) socket.close();
});

async function opened(): Promise<RawSocket> {
  const socket = await RawSocket.open(fleet);
  open.push(socket);
  return socket;
}

async function connected(userAlias: string, token: string, appId = askers.mine.appId): Promise<RawSocket> {
  const socket = await opened();
  socket.send({ type: 'connect', id: 'c', appId, userAlias, deviceId: `${userAlias}-desk`, token });
  await socket.frame('connected');
  return socket;
}

/** What rita's frames name, and what nobody's do. */
const hers = (): Named => ({ callId, userAlias: 'rita-of-mine', appId: askers.mine.appId, token: askers.tokens.rita });
const nothing = (): Named => ({ callId: randomUUID(), userAlias: 'nobody-at-all', appId: askers.mine.appId, token: askers.tokens.rita });

/** Sends a frame. @returns what it is answered. */
async function asked(socket: RawSocket, type: ClientFrame['type'], named: Named): Promise<ServerFrame> {
  const [id, before] = [randomUUID(), socket.frames.length];
  socket.send({ type, id, ...frames[type].says?.(named) });
  const isAnswer = (frame: ServerFrame) => (type === 'ping' ? frame.type === 'pong' : 'id' in frame && frame.id === id);
  return eventually(`an answer to ${type}`, () => socket.frames.slice(before).find(isAnswer));
}

const codeOf = (answer: ServerFrame) => (answer.type === 'error' ? answer.error.code : answer.type);

const read = async (path: string) => (await fleet.rest('GET', path, askers.mine.key)).body;
const callOfHers = () => read(`/v1/calls/${callId}`);

/** Everything of rita's that somebody else might have changed. */
async function stateOfHers(): Promise<unknown> {
  const { devices, status } = await read('/v1/presence/rita-of-mine');
  return [await callOfHers(), await read('/v1/users/rita-of-mine'), devices, status];
}

test('every frame of the contract has a line here, and so has every frame that is sent', () => {
  expect([...types].sort()).toEqual(clientFrameSchema.options.map(({ shape }) => shape.type.value).sort());
  expect(Object.keys(hearers).sort()).toEqual(serverFrameSchema.options.map(({ shape }) => shape.type.value).sort());
  // Each says what its frame takes: else it would be refused for that alone.
  for (const type of types)
    expect(clientFrameSchema.safeParse({ type, id: 1, ...frames[type].says?.({ ...nothing(), token: 't' }) }).error, type).toBeUndefined();
});

test('whoever has not signed in has no frame carried out', async () => {
  const before = await stateOfHers();
  for (const type of types) {
    if (type === 'connect') continue;
    const socket = await opened();
    if (type === 'ping') expect(codeOf(await asked(socket, type, hers()))).toBe('pong');
    else {
      socket.send({ type, id: type, ...frames[type].says?.(hers()) });
      expect([await socket.closed(), socket.frames.map(codeOf)], type).toEqual([4001, ['unauthenticated']]);
    }
  }
  expect(await stateOfHers()).toEqual(before);
});

test('nobody signs in by a credential that is not the user’s own and good, and nothing that follows is carried out', async () => {
  const before = await stateOfHers();
  for (const [what, { userAlias, token }] of Object.entries(askers.bad)) {
    const socket = await opened();
    const connect = { type: 'connect', id: 'c', appId: askers.mine.appId, userAlias, deviceId: 'd', token };
    socket.send(connect);
    expect(['unauthenticated', 'forbidden'], what).toContain((await socket.frame('error')).error.code);
    for (const type of types) socket.send({ type, id: type, ...frames[type].says?.(hers()) });
    expect(await socket.closed(), what).toBe(4001);
    expect(
      socket.frames.map(({ type }) => type),
      what,
    ).toEqual(['error']);
  }
  // Nor before it is known what comes of the credential.
  const hasty = await opened();
  hasty.send({ type: 'connect', id: 'c', appId: askers.mine.appId, userAlias: 'rita-of-mine', deviceId: 'd', token: 'nonsense' });
  for (const type of types) hasty.send({ type, id: type, ...frames[type].says?.(hers()) });
  await hasty.closed();
  expect(hasty.frames.filter(({ type }) => type !== 'error' && type !== 'pong')).toEqual([]);
  expect(await stateOfHers()).toEqual(before);
});

test('a user of another app is answered as if what he names did not exist, and changes nothing', async () => {
  const mallory = await connected('mallory', askers.tokens.mallory, askers.theirs.appId);
  await fleet.makeUser(askers.theirs, 'mick');
  const before = await stateOfHers();
  for (const type of types) {
    if (type === 'sign_out') continue;
    const [mine, none] = [hers(), nothing()];
    const [answer, toNothing] = [await asked(mallory, type, mine), await asked(mallory, type, none)];
    const names = [mine.callId, mine.userAlias, none.callId, none.userAlias];
    expect(withoutNames(answer, names), type).toBe(withoutNames(toNothing, names));
    // With somebody who is there for him, it is the call that is not.
    if (frames[type].about === 'call')
      expect(codeOf(await asked(mallory, type, { ...mine, userAlias: 'mick' })), type).toBe('call_not_found');
    if (frames[type].about === 'credential') expect(notForYou, type).toContain(codeOf(answer));
  }
  expect(await stateOfHers()).toEqual(before);
  const kinds = new Set(mallory.frames.map(({ type }) => hearers[type]));
  expect([...kinds]).toEqual(['who asked']);
});

test('another user of the app is let into nobody’s call and session, and the user herself is answered everything', async () => {
  const otto = await connected('otto-of-mine', askers.tokens.otto);
  for (const type of types) {
    if (type === 'sign_out') continue;
    const before = await callOfHers();
    const answer = await asked(otto, type, hers());
    const what = `${type} as another user of the app: ${JSON.stringify(answer).slice(0, 200)}`;
    const { about } = frames[type];
    if (about === 'call') expect(codeOf(answer), what).toBe('not_a_participant');
    if (about === 'credential') expect(['forbidden', 'invalid_request'], what).toContain(codeOf(answer));
    if (about === 'session') expect(['done', 'pong'], what).toContain(codeOf(answer));
    if (about === 'people') expect(notForYou, what).not.toContain(codeOf(answer));
    expect(await callOfHers(), what).toEqual(before);
    expect(JSON.stringify(answer), what).not.toContain('rita@mine.example.com');
    const own = await asked(rita, type, { ...hers(), userAlias: 'rex-of-mine' });
    // A socket signs in once, and only who made the call moderates it.
    const refused = { connect: 'invalid_request', ...forInitiators }[type as string];
    if (refused) expect(codeOf(own), type).toBe(refused);
    else expect(notForYou, `${type} as the user: ${JSON.stringify(own).slice(0, 200)}`).not.toContain(codeOf(own));
  }
  expect(otto.frames.filter((frame) => frame.type === 'event' && frame.event.callid === callId)).toEqual([]);
  otto.send({ type: 'sign_out' });
  expect([await otto.closed(), rita.closeCode]).toEqual([1000, undefined]);
  rita.send({ type: 'sign_out' });
  expect(await rita.closed()).toBe(1000);
});
