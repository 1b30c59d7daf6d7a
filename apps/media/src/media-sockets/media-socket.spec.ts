/*
 * A media socket lets one device join one call, works on its frames in their order, tells it what comes and goes, and leaves nothing
 * behind, whenever it ends.
 */
import { EventEmitter } from 'node:events';
import type { MediaServerFrame } from '@communication-center/contracts';
import type { MediaGrant } from '@communication-center/contracts/media-grant';
import { ProblemError } from '@communication-center/service';
import Janode from 'janode';
import VideoRoomPlugin, { type FeedSection, type Publisher } from 'janode/plugins/videoroom';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { WebSocket } from 'ws';
import { TriedFlows } from '../quality/flow-watch.js';
import type { Rooms } from '../rooms/rooms.js';
import { MediaSocket } from './media-socket.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const callId = '019b7777-0000-7000-8000-000000000001';
const settings = {
  FRAMES_PER_SECOND: 1000,
  FRAME_BURST: 1000,
  MAX_BUFFERED_BYTES: 1_048_576,
  JOIN_TIMEOUT_MS: 1500,
  ICE_SERVERS: [{ urls: ['turn:told'] }],
  TURN_URLS: ['turn:shared'],
  TURN_SECRET: [] as string[],
  TURN_CREDENTIAL_SECONDS: 60,
  RESUME_MS: 20_000,
};
const place = {
  node: 'n1',
  generation: 2,
  iceServers: settings.ICE_SERVERS,
  resume: expect.stringMatching(/^[\w-]{32}$/),
  knows: ['sending', 'ping.nextWithinMs', 'publish.again', 'screen', 'unwatched', 'quality', 'resume', 'ice.restart'],
};
const { VIDEOROOM_PUB_LIST, VIDEOROOM_DISPLAY, VIDEOROOM_UNPUBLISHED, VIDEOROOM_DESTROYED } = VideoRoomPlugin.EVENT;

/** The device's end: what was said to it, and how the socket was closed. */
class StandInSocket extends EventEmitter {
  readonly OPEN = 1;
  bufferedAmount = 0;
  readyState = 1;
  readonly told: MediaServerFrame[] = [];
  closedWith: number | undefined;
  terminated = false;
  pings = 0;

  send(text: string): void {
    this.told.push(JSON.parse(text) as MediaServerFrame);
  }

  close(code: number): void {
    if (this.readyState !== 1) return;
    this.readyState = 3;
    this.closedWith = code;
    this.emit('close', code);
  }

  terminate(): void {
    this.terminated = true;
    this.close(1006);
  }

  ping(): void {
    this.pings += 1;
  }

  says(frame: object | string): void {
    this.emit('message', Buffer.from(typeof frame === 'string' ? frame : JSON.stringify(frame)), false);
  }

  get types(): string[] {
    return this.told.map(({ type }) => type);
  }

  get refusal(): string | undefined {
    return this.told.flatMap((frame) => (frame.type === 'error' ? frame.error.code : []))[0];
  }
}

/** A handle of Janus that does as it is asked, and notes what that was. */
class StandInHandle extends EventEmitter {
  readonly asked: string[] = [];
  publishers: Publisher[] = [];
  detached = false;
  /** What a publish waits for. */
  publishing: Promise<void> = Promise.resolve();

  async joinPublisher() {
    this.asked.push('join');
    return { publishers: this.publishers, private_id: 7 };
  }
  async joinSubscriber({ streams }: { streams: FeedSection[] }) {
    const subscribed = streams.map(({ feed, mid }, index) => ({ mid: String(index), type: 'video', feed_id: feed, feed_mid: mid }));
    return { jsep: { type: 'offer', sdp: 'offered' }, streams: subscribed };
  }
  /** What others are told of its feed, oldest first. */
  readonly displays: object[] = [];
  async configure({ display, restart }: { display?: string; restart?: boolean }) {
    if (display !== undefined) this.displays.push(JSON.parse(display) as object);
    if (restart) return { jsep: { type: 'offer', sdp: 'restarted' } };
    return { jsep: { sdp: this.answer } };
  }
  async start() {
    this.asked.push('answer');
  }
  async message({ request, mid, mute }: { request: string; mid: string; mute: boolean }) {
    this.asked.push(`${request} ${mid} ${mute}`);
  }
  answer = 'answered';
  async publish({ display }: { display: string }) {
    this.displays.push(JSON.parse(display) as object);
    this.asked.push('publish');
    await this.publishing;
    this.asked.push('published');
    return { jsep: { sdp: this.answer } };
  }
  async trickle() {
    this.asked.push('candidate');
  }
  async detach() {
    this.detached = true;
  }
}

const grant = { appId: 'demo', callId, userAlias: 'ann', deviceId: 'desk', sequence: 3, rights: ['publish', 'subscribe'] } as MediaGrant;

function opened({ admit = async () => grant, own = {} }: { admit?: () => Promise<MediaGrant>; own?: Partial<typeof settings> } = {}) {
  const socket = new StandInSocket();
  const handles = [new StandInHandle(), new StandInHandle()] as const;
  let attached = 0;
  const owner = {
    ...{ admit, seatOf: vi.fn(), broke: vi.fn(), faded: vi.fn(), cameTooLate: vi.fn(), closed: vi.fn(), failed: vi.fn() },
    ...{ measured: vi.fn(), tried: new TriedFlows(20_000) },
  };
  const node = { attach: async () => handles[attached++ % 2], ask: <T>(answer: Promise<T>) => answer };
  const rooms = {
    place: async () => ({ callId, node: 'n1', generation: 2, secret: 's', pin: 'p' }),
    nodeOf: () => node,
    join: (handle: StandInHandle) => handle.joinPublisher(),
  };
  const told = { ...settings, ...own };
  const media = new MediaSocket(socket as unknown as WebSocket, owner, rooms as unknown as Rooms, told);
  return { socket, media, owner, publisher: handles[0], subscriber: handles[1], attached: () => attached };
}

const settle = () => vi.advanceTimersByTimeAsync(0);
const join = { type: 'join', token: 'a token' };
const publish = { type: 'publish', kind: 'camera', sdp: 'v=0' };
const candidate = { type: 'candidate', peer: 'publisher', candidate: { candidate: 'c' } };
const ben = {
  feed: 'feed-of-ben',
  display: JSON.stringify({ userAlias: 'ben', deviceId: 'sofa', kind: 'camera' }),
  streams: [{ type: 'video', mid: '0' }],
};

async function joined(publishers: Publisher[] = []) {
  const all = opened();
  all.publisher.publishers = publishers;
  all.socket.says(join);
  await settle();
  return all;
}

test('who joins gets TURN credentials of its own, beside the servers that everybody is told', async () => {
  vi.setSystemTime(new Date('2026-03-01T12:00:00Z'));
  const { socket } = opened({ own: { TURN_SECRET: ['a-secret-of-coturn'] } });
  socket.says(join);
  await settle();
  const [frame] = socket.told;
  expect(frame?.type === 'joined' && frame.iceServers).toEqual([
    ...settings.ICE_SERVERS,
    { urls: ['turn:shared'], username: '1772366460:demo/ann', credential: expect.stringMatching(/^[\w+/]{27}=$/) },
  ]);
});

test('who joins is told who is there, and offered what they send', async () => {
  const { socket } = await joined([ben]);
  const stream = { streamId: 'feed-of-ben', userAlias: 'ben', deviceId: 'sofa', kind: 'camera' };
  expect(socket.told).toEqual([
    { type: 'joined', callId, streams: [stream], ...place },
    { type: 'offer', sdp: 'offered', tracks: [{ mid: '0', streamId: 'feed-of-ben' }] },
  ]);
});

test('what others begin to send is told and offered, and what they end is told; a feed that nobody described is passed over', async () => {
  const { socket, publisher } = await joined();
  publisher.emit(VIDEOROOM_PUB_LIST ?? '', { publishers: [ben, { feed: 'strange', display: '{}' }] });
  await settle();
  publisher.emit(VIDEOROOM_UNPUBLISHED ?? '', { feed: 'feed-of-ben' });
  expect(socket.types).toEqual(['joined', 'stream_added', 'offer', 'stream_removed']);
});

test('what changes while the answer to the join is taken up is told after it: nobody is offered who has gone, or missed who has come', async () => {
  const { socket, publisher } = opened();
  const stale = { ...ben, feed: 'stale-feed-of-ben' };
  publisher.joinPublisher = async () => {
    queueMicrotask(() => {
      publisher.emit(VIDEOROOM_UNPUBLISHED ?? '', { feed: stale.feed });
      publisher.emit(VIDEOROOM_PUB_LIST ?? '', { publishers: [ben] });
    });
    return { publishers: [stale], private_id: 7 };
  };
  socket.says(join);
  await settle();
  expect(socket.types.slice(0, 3)).toEqual(['joined', 'stream_removed', 'stream_added']);
});

test('a candidate never overtakes the offer it belongs to', async () => {
  const { socket, publisher } = await joined();
  let answer: () => void = () => undefined;
  publisher.publishing = new Promise((resolve) => {
    answer = resolve;
  });
  socket.says(publish);
  socket.says(candidate);
  await settle();
  expect(publisher.asked).toEqual(['join', 'publish']);
  answer();
  await settle();
  expect(publisher.asked).toEqual(['join', 'publish', 'published', 'candidate']);
  expect(socket.told.at(-1)).toEqual({ type: 'published', sdp: 'answered' });
});

test('what its bearer may not send is muted before the answer to its offer is told, and what is forbidden meanwhile in its turn', async () => {
  const { socket, media, publisher } = await joined();
  publisher.answer = 'v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:1\r\n';
  let answer: () => void = () => undefined;
  publisher.publishing = new Promise((resolve) => {
    answer = resolve;
  });
  socket.says(publish);
  await settle();
  media.moderate(4, { userAlias: grant.userAlias, media: ['audio'], isForbidden: true });
  answer();
  await settle();
  expect(publisher.asked).toEqual(['join', 'publish', 'published', 'moderate 0 true']);
  expect(socket.types).toEqual(['joined', 'published']);
  media.moderate(3, { userAlias: grant.userAlias, media: ['audio'], isForbidden: false });
  media.moderate(5, { userAlias: grant.userAlias, media: ['video'], isForbidden: true });
  await settle();
  expect(publisher.asked.slice(4), 'what is older than what was heard means nothing').toEqual(['moderate 1 true']);
  publisher.message = () => Promise.reject(new ProblemError('media_unavailable'));
  media.moderate(6, { userAlias: grant.userAlias, media: ['audio'], isForbidden: false });
  await settle();
  expect([socket.refusal, socket.closedWith], 'a socket whose media cannot be moderated').toEqual(['media_unavailable', 4000]);
});

test('a ping is answered before all that waits', async () => {
  const { socket, publisher } = await joined();
  publisher.publishing = new Promise(() => undefined);
  socket.says(publish);
  socket.says({ type: 'ping' });
  expect(socket.told.at(-1)).toEqual({ type: 'pong' });
});

test('a socket that never joins is closed', async () => {
  const { socket, owner } = opened();
  socket.says({ type: 'ping' });
  await vi.advanceTimersByTimeAsync(settings.JOIN_TIMEOUT_MS);
  expect([socket.refusal, socket.closedWith]).toEqual(['connect_timeout', 4000]);
  expect(owner.closed).toHaveBeenCalledOnce();
});

test('one that has joined may stay', async () => {
  const { socket } = await joined();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(socket.closedWith).toBeUndefined();
});

test.each([
  ['that begins with something else', [publish], 'unauthenticated'],
  ['that joins twice', [join, join], 'invalid_request'],
])('a socket %s is closed, and told why', async (_what, frames, code) => {
  const { socket } = opened();
  for (const frame of frames) socket.says(frame);
  await settle();
  expect([socket.refusal, socket.closedWith]).toEqual([code, 4000]);
});

test('who is not let in is told why, and no room is made for him', async () => {
  const { socket, attached, owner } = opened({ admit: async () => Promise.reject(new ProblemError('room_closed')) });
  socket.says(join);
  await settle();
  expect([socket.refusal, socket.closedWith, attached()]).toEqual(['room_closed', 4000, 0]);
  expect(owner.failed).not.toHaveBeenCalled();
});

test('who may only receive publishes nothing, and who may only publish is offered nothing', async () => {
  const may = async (...rights: MediaGrant['rights']) => {
    const all = opened({ admit: async () => ({ ...grant, rights }) });
    all.publisher.publishers = [ben];
    for (const frame of [join, publish]) all.socket.says(frame);
    await settle();
    return all;
  };
  const receiver = await may('subscribe');
  expect([receiver.socket.types, receiver.socket.refusal]).toEqual([['joined', 'offer', 'error'], 'forbidden']);
  expect(receiver.publisher.asked).toEqual(['join']);
  expect((await may('publish')).socket.types).toEqual(['joined', 'published']);
});

test.each([
  ['that is not JSON', 'hello', 'malformed_frame'],
  ['of an unknown kind', { type: 'dance' }, 'malformed_frame'],
  ['that lacks what it needs', { type: 'publish' }, 'invalid_request'],
])('a frame %s is refused, and the socket goes on', async (_what, frame, code) => {
  const { socket } = opened();
  socket.says(frame);
  expect(socket.refusal).toBe(code);
  socket.says(join);
  await settle();
  expect(socket.types).toEqual(['error', 'joined']);
});

test('one that is too large is not looked at', () => {
  const { socket } = opened();
  socket.says(JSON.stringify({ type: 'join', token: 'x'.repeat(140_000) }));
  expect(socket.refusal).toBe('frame_too_large');
});

test('more frames than a negotiation needs end the socket', async () => {
  const { socket, publisher } = await joined();
  publisher.publishing = new Promise(() => undefined);
  for (let sent = 0; sent <= 200; sent += 1) socket.says(publish);
  expect([socket.refusal, socket.closedWith]).toEqual(['rate_limited', 4000]);
});

test('when its room is destroyed the call has ended, and when Janus is lost the media is', async () => {
  for (const [event, reason] of [
    [VIDEOROOM_DESTROYED, 'call_ended'],
    [Janode.EVENT.HANDLE_DETACHED, 'media_lost'],
  ]) {
    const { socket, publisher } = await joined();
    publisher.emit(event ?? '');
    expect(socket.told.at(-1)).toEqual({ type: 'closed', reason });
    expect(socket.closedWith).toBe(1000);
  }
});

test('a socket that closes gives back its handles and its session', async () => {
  const { socket, publisher, subscriber, owner, media } = await joined([ben]);
  socket.close(1001);
  await settle();
  expect([publisher.detached, subscriber.detached]).toEqual([true, true]);
  expect(owner.closed).toHaveBeenCalledExactlyOnceWith(media);
});

describe('a socket that breaks', () => {
  const receiving = (handle: StandInHandle, is: boolean) =>
    handle.emit(Janode.EVENT.HANDLE_MEDIA, { type: 'audio', mid: '0', receiving: is });
  const keyOf = ({ told: [frame] }: StandInSocket) => (frame?.type === 'joined' ? (frame.resume ?? '') : '');
  /** Opens another socket that shows the key of one that broke. */
  const resumed = async (from: Awaited<ReturnType<typeof joined>>, by: MediaGrant = grant) => {
    const next = opened({ admit: async () => by });
    next.owner.seatOf.mockImplementation((key: string, whose: MediaGrant) => from.media.passOn(key, whose));
    next.socket.says({ ...join, resume: keyOf(from.socket) });
    await settle();
    return next;
  };

  test('keeps its device in the call while its media come, and gives all back when nobody came for its seat', async () => {
    const { socket, publisher, subscriber, owner, media } = await joined([ben]);
    receiving(publisher, true);
    socket.close(1006);
    await vi.advanceTimersByTimeAsync(5000);
    expect([owner.broke.mock.calls, owner.faded.mock.calls, owner.closed.mock.calls]).toEqual([[[media]], [], []]);
    receiving(publisher, false);
    await vi.advanceTimersByTimeAsync(2000);
    expect(owner.faded).toHaveBeenCalledExactlyOnceWith(media);
    await vi.advanceTimersByTimeAsync(12_900);
    expect(publisher.detached).toBe(false);
    await vi.advanceTimersByTimeAsync(200);
    expect([publisher.detached, subscriber.detached]).toEqual([true, true]);
    expect(owner.closed).toHaveBeenCalledExactlyOnceWith(media);
  });

  test('is followed by another of the same device, which hears what is there by then, and to which all goes on', async () => {
    const first = await joined([ben]);
    first.socket.says(publish);
    await settle();
    first.socket.close(1006);
    const eve = { ...ben, feed: 'feed-of-eve', display: JSON.stringify({ userAlias: 'eve', deviceId: 'car', kind: 'camera' }) };
    first.publisher.emit(VIDEOROOM_PUB_LIST, { publishers: [eve] });
    first.media.moderate(9, { userAlias: grant.userAlias, media: ['audio'], isForbidden: true });
    await vi.advanceTimersByTimeAsync(19_000);
    const next = await resumed(first);
    const [told, offer] = next.socket.told;
    expect(told).toMatchObject({ type: 'joined', resumed: true, streams: [{ userAlias: 'ben' }, { userAlias: 'eve' }] });
    expect(offer, 'the offer that had no answer').toMatchObject({ type: 'offer', sdp: 'offered' });
    expect([next.attached(), first.publisher.detached]).toEqual([0, false]);
    expect(first.owner.closed).toHaveBeenCalledOnce();
    first.publisher.emit(VIDEOROOM_UNPUBLISHED, { feed: 'feed-of-ben' });
    next.socket.says(publish);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(next.socket.types.slice(2)).toEqual(['stream_removed', 'published']);
    next.socket.close(1000);
    await settle();
    expect(first.publisher.detached).toBe(true);
  });

  test('is followed though nobody has noticed that it broke; by nobody else, and not once it was ended', async () => {
    const first = await joined();
    for (const other of [{ userAlias: 'eve' }, { deviceId: 'car' }, { rights: ['subscribe'] }])
      expect((await resumed(first, { ...grant, ...other } as MediaGrant)).attached()).toBe(1);
    const next = await resumed(first);
    expect([first.socket.closedWith, next.socket.told[0]]).toMatchObject([1000, { resumed: true }]);
    next.socket.close(1006);
    next.media.end('call_left');
    await settle();
    expect(first.publisher.detached).toBe(true);
    expect((await resumed({ ...next, socket: first.socket } as never)).socket.told[0]).not.toHaveProperty('resumed');
  });
});

test('a call that ends while somebody is let into its room leaves nobody there, and its room is asked after', async () => {
  const { socket, media, publisher, owner } = opened();
  const joinPublisher = publisher.joinPublisher.bind(publisher);
  publisher.joinPublisher = async () => {
    media.end('call_ended');
    return joinPublisher();
  };
  socket.says(join);
  await settle();
  expect([socket.types, publisher.detached]).toEqual([['closed'], true]);
  expect(owner.cameTooLate).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ callId }), grant);
});

test('who is to join elsewhere is told so once, and stays meanwhile; a client that does not know how is put out', async () => {
  const { socket, media, publisher } = opened();
  socket.says({ ...join, knows: ['moved', 'something newer'] });
  await settle();
  media.move();
  media.move();
  expect([socket.types.filter((type) => type === 'moved').length, socket.readyState]).toEqual([1, 1]);
  const old = await joined();
  old.media.move();
  await settle();
  expect(old.socket.told.at(-1)).toEqual({ type: 'closed', reason: 'restarting' });
  expect([publisher.detached, old.publisher.detached], 'what Janus has goes on').toEqual([false, false]);
});

test('ICE begins anew with an offer, after the one that is not answered yet', async () => {
  const { socket } = await joined([ben]);
  socket.says({ type: 'restart' });
  await settle();
  expect(socket.types).toEqual(['joined', 'offer']);
  socket.says({ type: 'answer', sdp: 'v=0' });
  await settle();
  expect(socket.told.at(-1)).toEqual({ type: 'offer', sdp: 'restarted', tracks: [{ mid: '0', streamId: 'feed-of-ben' }] });
});

test('one that breaks while it is let in gives back the session that was opened for it', async () => {
  let letIn: (grant: MediaGrant) => void = () => undefined;
  const { socket, media, owner, attached } = opened({ admit: () => new Promise((resolve) => (letIn = resolve)) });
  const granted: unknown[] = [];
  owner.closed.mockImplementation((one: MediaSocket) => granted.push(one.grant));
  socket.says(join);
  await settle();
  socket.close(1006);
  letIn(grant);
  await settle();
  expect(granted).toEqual([undefined, grant]);
  expect([media.grant, attached()]).toEqual([grant, 0]);
});

test('one that says nothing for two and a half heartbeats is ended, and any sign of life counts', async () => {
  const { socket, media } = await joined();
  await vi.advanceTimersByTimeAsync(2400);
  media.beat(Date.now(), 1000);
  socket.emit('pong');
  await vi.advanceTimersByTimeAsync(2400);
  media.beat(Date.now(), 1000);
  expect([socket.pings, socket.terminated]).toEqual([2, false]);
  await vi.advanceTimersByTimeAsync(200);
  media.beat(Date.now(), 1000);
  expect(socket.terminated).toBe(true);
});

test('what fails in Janus is told as the media being unavailable, and reported', async () => {
  const { socket, publisher, owner } = await joined();
  publisher.publish = async () => Promise.reject(new Error('no such feed'));
  socket.says(publish);
  await settle();
  expect([socket.refusal, socket.closedWith]).toEqual(['media_unavailable', 4000]);
  expect(owner.failed).toHaveBeenCalledOnce();
});

test('a feed whose description is no JSON is nobody’s, and ends no socket', async () => {
  const { socket, publisher, owner } = await joined();
  const before = socket.told.length;
  for (const display of ['{broken', '"text"', 'null', '[1]'])
    expect(() => publisher.emit(VIDEOROOM_PUB_LIST, { publishers: [{ feed: 'f9', display } as Publisher] })).not.toThrow();
  await settle();
  expect([socket.told.length, socket.readyState, owner.failed.mock.calls.length]).toEqual([before, 1, 0]);
});

test('what Janus tells that cannot be taken up ends its socket, and nobody else’s', async () => {
  const { socket, publisher, owner } = await joined();
  const others = await joined();
  expect(() => publisher.emit(VIDEOROOM_PUB_LIST, { publishers: null })).not.toThrow();
  await settle();
  expect([socket.refusal, socket.closedWith]).toEqual(['media_unavailable', 4000]);
  expect(owner.failed).toHaveBeenCalledOnce();
  expect(others.socket.readyState).toBe(1);
});

test.each([
  [
    'throws',
    (): never => {
      throw new TypeError('a bug');
    },
  ],
  ['rejects', () => Promise.reject(new TypeError('a bug'))],
])('a frame whose handler %s is answered, and ends its socket alone', async (_how, admit) => {
  const others = await joined();
  const { socket, owner } = opened({ admit });
  expect(() => socket.says(join)).not.toThrow();
  await settle();
  expect([socket.refusal, socket.closedWith, owner.failed.mock.calls.length]).toEqual(['media_unavailable', 4000, 1]);
  expect(others.socket.readyState).toBe(1);
});

test('before it has joined, no frame is larger than a join', async () => {
  const { socket } = opened();
  socket.says(JSON.stringify({ type: 'publish', kind: 'camera', sdp: 'v'.repeat(40_000) }));
  expect(socket.refusal).toBe('frame_too_large');
  const { socket: inside, publisher } = await joined();
  inside.says({ type: 'publish', kind: 'camera', sdp: 'v'.repeat(20_000) });
  await settle();
  expect(publisher.asked).toContain('publish');
});

test('frames that wait are bounded by their bytes, too', async () => {
  const { socket, publisher } = await joined();
  publisher.publishing = new Promise(() => undefined);
  for (let sent = 0; sent < 6; sent += 1) socket.says({ type: 'publish', kind: 'camera', sdp: 'v'.repeat(55_000) });
  expect([socket.refusal, socket.closedWith]).toEqual(['rate_limited', 4000]);
});

test('who sends too many frames is told to slow down, and stays', async () => {
  const { socket } = await joined();
  for (let sent = 0; sent <= 1000; sent += 1) socket.says({ type: 'ping' });
  expect([socket.refusal, socket.readyState]).toEqual(['rate_limited', 1]);
});

test('frames of bytes are refused by name', async () => {
  const { socket } = await joined();
  socket.emit('message', Buffer.from('{"type":"ping"}'), true);
  expect(socket.refusal).toBe('malformed_frame');
});

const ann = { userAlias: 'ann', deviceId: 'desk', kind: 'camera' };
const sounds = { audio: 'on', video: 'none' };

test('what a device says that it sends is told with its feed: from the first moment, and whenever it changes', async () => {
  const { socket, publisher } = await joined();
  socket.says({ type: 'sending', ...sounds });
  await settle();
  expect(publisher.displays, 'nothing is there to tell it of').toEqual([]);
  socket.says(publish);
  socket.says({ type: 'sending', ...sounds });
  socket.says({ type: 'sending', audio: 'off', video: 'none' });
  await settle();
  expect(publisher.displays).toEqual([
    { ...ann, sending: sounds },
    { ...ann, sending: { audio: 'off', video: 'none' } },
  ]);
});

test('a screen is told beside what a device sends, and offered to the others as a stream of its own', async () => {
  const screen = { audio: 'none', video: 'on' };
  const mine = await joined();
  mine.socket.says({ ...publish, screen: ['2'] });
  mine.socket.says({ type: 'sending', ...sounds, screen });
  await settle();
  expect(mine.publisher.displays.at(-1)).toEqual({ ...ann, sending: sounds, screen });

  const { socket, publisher } = await joined([ben]);
  const told = { userAlias: 'ben', deviceId: 'sofa' };
  publisher.emit(VIDEOROOM_DISPLAY, { feed: 'feed-of-ben', display: JSON.stringify({ ...told, kind: 'camera', screen }) });
  expect(socket.types.slice(2), 'nothing carries it yet').toEqual([]);
  const streams = [...(ben.streams ?? []), { type: 'video', mid: '2', description: 'screen' }];
  publisher.emit(VIDEOROOM_PUB_LIST, { publishers: [{ ...ben, display: JSON.stringify({ ...told, kind: 'camera', screen }), streams }] });
  expect(socket.told.at(-1)).toEqual({
    type: 'stream_added',
    stream: { streamId: 'feed-of-ben/screen', ...told, kind: 'screen', sending: screen },
  });
});

test('what others send, and that they are quiet, is told as it changes', async () => {
  const { socket, publisher } = await joined([ben]);
  const display = JSON.stringify({ userAlias: 'ben', deviceId: 'sofa', kind: 'camera', sending: sounds, quiet: true });
  publisher.emit(VIDEOROOM_DISPLAY, { feed: 'feed-of-ben', display });
  const stream = { streamId: 'feed-of-ben', userAlias: 'ben', deviceId: 'sofa', kind: 'camera', sending: sounds, quiet: true };
  expect(socket.told.at(-1)).toEqual({ type: 'stream_changed', stream });
});

describe('a device whose pings are overdue', () => {
  const pinging = async () => {
    const all = await joined();
    all.socket.says(publish);
    all.socket.says({ type: 'ping', nextWithinMs: 1000 });
    await settle();
    const quiet = () => all.publisher.displays.map((display) => 'quiet' in display).slice(1);
    const media = (receiving: boolean) => all.publisher.emit(Janode.EVENT.HANDLE_MEDIA, { type: 'audio', mid: '0', receiving });
    return { ...all, quiet, media };
  };

  test('is told as quiet within two seconds, and as heard of with its next sign', async () => {
    const { socket, quiet } = await pinging();
    await vi.advanceTimersByTimeAsync(1700);
    expect(quiet()).toEqual([]);
    await vi.advanceTimersByTimeAsync(200);
    expect(quiet()).toEqual([true]);
    socket.says({ type: 'ping', nextWithinMs: 1000 });
    await settle();
    expect(quiet()).toEqual([true, false]);
  });

  test('is not quiet as long as its media comes, and is heard of when that comes again', async () => {
    const { quiet, media } = await pinging();
    media(true);
    await vi.advanceTimersByTimeAsync(4000);
    expect(quiet()).toEqual([]);
    media(false);
    await settle();
    media(true);
    await settle();
    expect(quiet()).toEqual([true, false]);
  });

  test('is nobody’s concern where it never said when they come, or has gone', async () => {
    const silent = await joined();
    silent.socket.says(publish);
    silent.socket.says({ type: 'ping' });
    const { socket, quiet } = await pinging();
    socket.close(1000);
    await vi.advanceTimersByTimeAsync(10_000);
    expect([silent.publisher.displays.length, quiet()]).toEqual([1, []]);
  });
});

test('who reads too slowly is cut off, and nothing is held back for them', async () => {
  const { socket } = await joined();
  const told = socket.told.length;
  socket.bufferedAmount = 2_000_000;
  socket.says({ type: 'ping' });
  expect([socket.told.length, socket.closedWith]).toEqual([told, 4003]);
});

test('what a device measures is kept as its own, beside what Janus tells, and no more than a sample a second', async () => {
  const { socket, owner, publisher, media } = await joined([ben]);
  publisher.emit(Janode.EVENT.HANDLE_WEBRTCUP, {});
  publisher.emit(Janode.EVENT.HANDLE_MEDIA, { type: 'audio', mid: '0', receiving: true });
  publisher.emit(Janode.EVENT.HANDLE_SLOWLINK, { uplink: false, lost: 12 });
  const counted = { media: 'audio', bytes: 900, packets: 9, lost: 1 };
  const streams = [
    { way: 'sent', ...counted },
    { way: 'received', streamId: 'feed-of-ben', ...counted },
    { way: 'received', streamId: 'feed-of-nobody', ...counted },
  ];
  socket.says({ type: 'quality', roundTripMs: 12, candidateType: 'relay', protocol: 'tls', streams });
  expect(owner.measured).toHaveBeenCalledExactlyOnceWith(grant, {
    ...{ userAlias: 'ann', deviceId: 'desk', sessionId: media.sessionId },
    measured: {
      ...{ roundTripMs: 12, candidateType: 'relay', protocol: 'tls' },
      streams: [
        { way: 'sent', from: 'ann', kind: 'camera', ...counted },
        { way: 'received', streamId: 'feed-of-ben', from: 'ben', kind: 'camera', ...counted },
      ],
      janus: { up: true, receiving: ['audio'], slowUp: 12, slowDown: 0 },
    },
  });
  for (let times = 0; times < 50; times += 1) socket.says({ type: 'quality', streams: [] });
  expect(owner.measured).toHaveBeenCalledTimes(3);
  await vi.advanceTimersByTimeAsync(1000);
  socket.says({ type: 'quality', streams: [] });
  expect(owner.measured).toHaveBeenCalledTimes(4);
  expect(socket.refusal, 'nobody waits for an answer').toBeUndefined();
});

test('what is measured while the join is under way is nobody’s, and before it nothing is said to be measured', async () => {
  const { socket, owner } = opened({ admit: () => new Promise(() => undefined) });
  socket.says(join);
  await settle();
  socket.says({ type: 'quality', streams: [] });
  expect(owner.measured).not.toHaveBeenCalled();
  expect(socket.closedWith).toBeUndefined();
  const stranger = opened();
  stranger.socket.says({ type: 'quality', streams: [] });
  await settle();
  expect([stranger.socket.refusal, stranger.socket.closedWith]).toEqual(['unauthenticated', 4000]);
  expect(stranger.owner.measured).not.toHaveBeenCalled();
});

describe('a device that publishes, and of which nothing comes', () => {
  const failures = (owner: { measured: ReturnType<typeof vi.fn> }) => owner.measured.mock.calls.map(([, sample]) => sample.measured.failed);
  const on = { type: 'sending', audio: 'on', video: 'off' };

  test('has why kept after its time, as far as is known, and may go on trying', async () => {
    const { socket, owner } = await joined();
    for (const frame of [on, publish, candidate]) socket.says(frame);
    await vi.advanceTimersByTimeAsync(19_900);
    expect(failures(owner)).toEqual([]);
    await vi.advanceTimersByTimeAsync(200);
    expect(failures(owner)).toEqual(['ice_failed']);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(failures(owner), 'said once').toEqual(['ice_failed']);
    expect(socket.closedWith).toBeUndefined();
  });

  test('has failed for frames that do not come where its connection is up, and only while it says that it sends', async () => {
    const { socket, owner, publisher } = await joined();
    for (const frame of [{ ...on, audio: 'off' }, publish, candidate]) socket.says(frame);
    publisher.emit(Janode.EVENT.HANDLE_WEBRTCUP, {});
    await vi.advanceTimersByTimeAsync(30_000);
    // Between two looks.
    await vi.advanceTimersByTimeAsync(2400);
    socket.says(on);
    await vi.advanceTimersByTimeAsync(17_000);
    expect(failures(owner), 'what is switched on late has its time').toEqual([]);
    await vi.advanceTimersByTimeAsync(3000);
    expect(failures(owner)).toEqual(['no_frames']);
  });

  test('has not failed once anything came, whatever becomes of it then', async () => {
    const { socket, owner, publisher } = await joined();
    for (const frame of [on, publish]) socket.says(frame);
    publisher.emit(Janode.EVENT.HANDLE_MEDIA, { type: 'audio', mid: '0', receiving: true });
    publisher.emit(Janode.EVENT.HANDLE_MEDIA, { type: 'audio', mid: '0', receiving: false });
    publisher.emit(Janode.EVENT.HANDLE_HANGUP, { reason: 'ICE failed' });
    await vi.advanceTimersByTimeAsync(600_000);
    expect(owner.measured).not.toHaveBeenCalled();
    expect(socket.closedWith).toBeUndefined();
  });

  test('has tried over all of its sockets, and has five seconds on each at least', async () => {
    const tried = new TriedFlows(20_000);
    const again = async (ms: number) => {
      const one = opened({ own: {} });
      Object.assign(one.owner, { tried });
      one.socket.says(join);
      await settle();
      one.socket.says(publish);
      await vi.advanceTimersByTimeAsync(ms);
      const [failure] = failures(one.owner);
      one.socket.close(1000);
      await settle();
      return failure;
    };
    expect([await again(15_000), await again(4000), await again(4900), await again(5100)]).toEqual([
      undefined,
      undefined,
      undefined,
      'no_candidates',
    ]);
  });
});
