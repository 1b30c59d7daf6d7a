/*
 * Every frame that a client may send on its media socket, tried by everybody there is: who is in the call, another user of the app and
 * one of another app, each in a call of their own, whoever holds what is no credential for this door, or no longer, and nobody. No frame
 * names a call or a user, and a stream only to do without its pictures here: the credential alone says where a socket belongs, and whoever
 * has a good one is in its call and in no other. The frames are those of the contract: one that is added and has no line here fails.
 */
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import {
  type CallReply,
  type MediaClientFrame,
  type MediaServerFrame,
  mediaClientFrameSchema,
  mediaServerFrameSchema,
  mediaSubprotocol,
} from '@communication-center/contracts';
import { mediaCredentialKind } from '@communication-center/contracts/media-grant';
import { eventually, Fleet, type TestApp } from '@communication-center/testing';
import { beforeEach, expect, test } from 'vitest';
import { type Askers, makeAskers } from './askers.js';
import { type ServiceKey, signedAs } from './sign.js';

/** What each frame says besides its type. */
const frames: Record<MediaClientFrame['type'], (token: string) => object> = {
  join: (token) => ({ token }),
  publish: () => ({ kind: 'camera', sdp: 'v=0\r\n' }),
  answer: () => ({ sdp: 'v=0\r\n' }),
  candidate: () => ({ peer: 'publisher', candidate: null }),
  sending: () => ({ audio: 'on', video: 'off' }),
  unwatched: () => ({ streamIds: [] }),
  sizes: () => ({ sizes: [] }),
  quality: () => ({ streams: [] }),
  restart: () => ({}),
  ping: () => ({}),
};
const types = Object.keys(frames) as MediaClientFrame['type'][];

/** Figures, and streams of others, which are looked up as `streamIds` are. */
const ofQuality = ['roundTripMs', 'candidateType', 'protocol', 'streams'];

/**
 * All that a frame may hold: nothing of it names somebody else's call or session. `streamIds`, and those in `sizes`, are looked up among the streams that the
 * device gets: of any other they mean nothing. `resume` means nothing beside a credential that is not of the same device in the same call.
 */
const fields = [
  'type',
  'token',
  'kind',
  'sdp',
  'screen',
  'peer',
  'candidate',
  'audio',
  'video',
  'streamIds',
  'sizes',
  'layers',
  'nextWithinMs',
  'resume',
  'knows',
  ...ofQuality,
];

/** Who is sent which frame: nobody else ever. */
const hearers: Record<MediaServerFrame['type'], 'anybody' | 'who is in the call'> = {
  pong: 'anybody',
  error: 'anybody',
  joined: 'who is in the call',
  published: 'who is in the call',
  offer: 'who is in the call',
  stream_added: 'who is in the call',
  stream_changed: 'who is in the call',
  stream_removed: 'who is in the call',
  speaking: 'who is in the call',
  refused: 'who is in the call',
  moved: 'who is in the call',
  closed: 'who is in the call',
};

const fleet = new Fleet();
let askers: Askers;
/** Of rita, in the call that alice made. */
let hers: { callId: string; token: string };

beforeEach(async () => {
  askers = await makeAskers(fleet);
  hers = await inCall(askers.mine, 'alice-of-mine', 'rita-of-mine');
});

/** Has one user called by another, and answer. @returns the call, and what the answer gave for its media. */
async function inCall(app: TestApp, caller: string, userAlias: string): Promise<{ callId: string; token: string }> {
  const act = async (path: string, body: object) => (await fleet.rest<CallReply>('POST', path, app.key, body)).body;
  const { callId } = await act('/v1/calls', { userAlias: caller, deviceId: 'desk', callees: [userAlias] });
  const { media } = await act(`/v1/calls/${callId}/answer`, { userAlias, deviceId: 'desk' });
  return { callId, token: media?.token ?? '' };
}

interface Grant {
  appId: string;
  callId: string;
  userAlias: string;
}

/** Signs a credential for the door as the calls service does, by its own key unless told. */
function granted(grant: Grant, { key, seconds = 60, typ = mediaCredentialKind.typ }: Signing = {}): string {
  const now = Math.floor(Date.now() / 1000);
  const rights = { deviceId: 'desk', sequence: 2, rights: ['publish', 'subscribe'] };
  const { issuer: iss, audience: aud } = mediaCredentialKind;
  const claims = { grant: { ...grant, ...rights }, iss, aud, iat: now - 120, exp: now + seconds };
  return signedAs(fleet.state.secrets.privateKeys.calls as ServiceKey, claims, { typ, ...(key && { key }) });
}
interface Signing {
  key?: KeyObject;
  seconds?: number;
  typ?: string;
}

/** A media socket that says what it is told to, and what it heard. */
class Sayer {
  readonly heard: MediaServerFrame[] = [];
  isClosed = false;

  private constructor(private readonly socket: WebSocket) {
    socket.onmessage = ({ data }) => this.heard.push(mediaServerFrameSchema.parse(JSON.parse(String(data))));
    socket.onclose = () => {
      this.isClosed = true;
    };
  }

  static async open(): Promise<Sayer> {
    const socket = new WebSocket(fleet.state.mediaUrl, mediaSubprotocol);
    const sayer = new Sayer(socket);
    await new Promise<void>((resolve, reject) => {
      socket.onopen = () => resolve();
      socket.onerror = () => reject(new Error('the media socket did not open'));
    });
    return sayer;
  }

  static async joining(token: string): Promise<Sayer> {
    const sayer = await Sayer.open();
    sayer.say('join', token);
    return sayer;
  }

  say(type: MediaClientFrame['type'], token: string): void {
    this.socket.send(JSON.stringify({ type, ...frames[type](token) }));
  }

  async hears(type: MediaServerFrame['type']): Promise<MediaServerFrame> {
    return eventually(`${type} on a media socket`, () => this.heard.find((frame) => frame.type === type), 20_000);
  }

  /** What came before is done with: the ping behind it was answered, or the socket was closed for it, and the ping never looked at. */
  async isThrough(): Promise<void> {
    const isPong = ({ type }: MediaServerFrame) => type === 'pong';
    await eventually('a pong, or the end of a media socket', () => this.isClosed || this.heard.some(isPong), 20_000);
  }

  async closed(): Promise<void> {
    await eventually('the media socket being closed', () => this.isClosed);
  }

  close(): void {
    this.socket.close();
  }
}

const codesOf = ({ heard }: Sayer) => heard.map((frame) => (frame.type === 'error' ? frame.error.code : frame.type));

test('every frame of the contract has a line here, and so has every frame that is sent; none names what is another’s', () => {
  const shapes = mediaClientFrameSchema.options.map(({ shape }) => shape);
  expect([...types].sort()).toEqual(shapes.map(({ type }) => type.value).sort());
  expect(Object.keys(hearers).sort()).toEqual(mediaServerFrameSchema.options.map(({ shape }) => shape.type.value).sort());
  for (const type of types) expect(mediaClientFrameSchema.safeParse({ type, ...frames[type]('t') }).error, type).toBeUndefined();
  expect(shapes.flatMap((shape) => Object.keys(shape)).filter((field) => !fields.includes(field))).toEqual([]);
});

test('whoever has not joined has no frame carried out', async () => {
  for (const type of types) {
    if (type === 'join') continue;
    const nobody = await Sayer.open();
    nobody.say(type, hers.token);
    await nobody.hears(type === 'ping' ? 'pong' : 'error');
    expect(codesOf(nobody), type).toEqual([type === 'ping' ? 'pong' : 'unauthenticated']);
    nobody.close();
  }
});

test('nobody joins by what the calls service did not sign for this door, or signed too long ago, and nothing that follows is carried out', async () => {
  const { appId } = askers.mine;
  const grant = { appId, callId: hers.callId, userAlias: 'rita-of-mine' };
  const credentials: Record<string, string> = {
    'one that has expired': granted(grant, { seconds: -1 }),
    'one that another key signed': granted(grant, { key: generateKeyPairSync('ed25519').privateKey }),
    'one of another kind': granted(grant, { typ: 'JWT' }),
    'her user token': askers.tokens.rita,
    ...Object.fromEntries(Object.entries(askers.bad).map(([what, { token }]) => [what, token])),
  };
  for (const [what, token] of Object.entries(credentials)) {
    const stranger = await Sayer.joining(token);
    for (const type of types) if (type !== 'join') stranger.say(type, token);
    await stranger.hears('error');
    await stranger.closed();
    expect(
      codesOf(stranger).filter((code) => code !== 'pong'),
      what,
    ).toEqual(['unauthenticated']);
  }
});

test('a credential opens the door no more once its call has ended, or what its bearer signed in by was revoked', async () => {
  const ended = await inCall(askers.mine, 'otto-of-mine', 'rex-of-mine');
  await fleet.rest('POST', `/v1/calls/${ended.callId}/end`, askers.mine.key, {});
  await fleet.rest('POST', '/v1/users/rita-of-mine/revoke', askers.mine.key);
  for (const [token, code] of [
    [ended.token, 'room_closed'],
    [hers.token, 'unauthenticated'],
  ] as const) {
    const isRefused = async () => {
      const late = await Sayer.joining(token);
      for (const type of types) if (type !== 'join') late.say(type, token);
      await late.closed();
      return (
        codesOf(late)
          .filter((one) => one !== 'pong')
          .join() === code
      );
    };
    // The door hears of it a moment after it happened.
    await eventually(`${code} at the media door`, isRefused, 5000);
  }
});

test('who is in the call is answered, and in it alone: those of other calls, of the app and of others, neither hear nor disturb it', async () => {
  const otto = await inCall(askers.mine, 'rex-of-mine', 'otto-of-mine');
  await fleet.makeUser(askers.theirs, 'mick');
  const mallory = await inCall(askers.theirs, 'mick', 'mallory');
  const rita = await Sayer.joining(hers.token);
  expect(await rita.hears('joined')).toMatchObject({ callId: hers.callId, streams: [] });
  for (const { callId, token } of [otto, mallory]) {
    const other = await Sayer.joining(token);
    expect(await other.hears('joined')).toMatchObject({ callId, streams: [] });
    // A second join is refused, and with it the socket: whoever is in a call goes to no other by it.
    other.say('join', hers.token);
    await other.closed();
    expect(codesOf(other)).toEqual(['joined', 'invalid_request']);
    for (const type of types) {
      if (type === 'join') continue;
      const another = await Sayer.joining(token);
      await another.hears('joined');
      another.say(type, token);
      another.say('ping', token);
      await another.isThrough();
      expect(
        another.heard.filter((frame) => JSON.stringify(frame).includes(hers.callId)),
        type,
      ).toEqual([]);
      another.close();
    }
  }
  expect(codesOf(rita)).toEqual(['joined']);
  for (const type of types) {
    if (type === 'join') continue;
    const own = await Sayer.joining(hers.token);
    await own.hears('joined');
    own.say(type, hers.token);
    if (type === 'publish') await own.hears('error');
    else if (type === 'ping') await own.hears('pong');
    expect(codesOf(own), type).not.toContain('unauthenticated');
    own.close();
  }
  rita.close();
});
