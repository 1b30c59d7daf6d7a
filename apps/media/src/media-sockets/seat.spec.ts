/*
 * Who has a seat in a call is told what comes and goes there, and the others what it sends, whatever Janus tells in whatever order.
 */
import type { MediaGrant } from '@communication-center/contracts/media-grant';
import { ProblemError } from '@communication-center/service';
import Janode from 'janode';
import VideoRoomPlugin from 'janode/plugins/videoroom';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { ben, callId, grant, join, mediaSockets, publish, settings } from './media-socket.fixture.js';

const { VIDEOROOM_DISPLAY, VIDEOROOM_PUB_LIST, VIDEOROOM_UNPUBLISHED } = VideoRoomPlugin.EVENT;
const settle = () => vi.advanceTimersByTimeAsync(0);
const { opened, joined } = mediaSockets(() => vi.fn(), settle);
const place = {
  node: 'n1',
  generation: 2,
  iceServers: settings.ICE_SERVERS,
  resume: expect.stringMatching(/^[\w-]{32}$/),
  knows: ['sending', 'ping.nextWithinMs', 'publish.again', 'screen', 'unwatched', 'quality', 'resume', 'ice.restart', 'layers'],
};

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

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

test('ICE begins anew with an offer, after the one that is not answered yet', async () => {
  const { socket } = await joined([ben]);
  socket.says({ type: 'restart' });
  await settle();
  expect(socket.types).toEqual(['joined', 'offer']);
  socket.says({ type: 'answer', sdp: 'v=0' });
  await settle();
  expect(socket.told.at(-1)).toEqual({ type: 'offer', sdp: 'restarted', tracks: [{ mid: '0', streamId: 'feed-of-ben' }] });
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
  expect(mine.publisher.displays.at(-1)).toEqual({ ...ann, letIn: { screen: expect.any(Number) }, sending: sounds, screen });

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

test('a picture for which the call has no room is muted at Janus before its answer is told, refused by name, and let in when there is room', async () => {
  const full = { ...grant, streams: { cameras: 1 } };
  const { socket, publisher } = opened({ admit: async () => full });
  const dan = { ...ben, feed: 'feed-of-dan', display: JSON.stringify({ userAlias: 'dan', deviceId: 'car', kind: 'camera' }) };
  publisher.publishers = [dan];
  publisher.answer = 'v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:1\r\n';
  socket.says(join);
  await settle();
  socket.says({ type: 'sending', audio: 'on', video: 'on' });
  socket.says(publish);
  await settle();
  expect(publisher.asked).toEqual(['join', 'publish', 'published', 'moderate 1 true']);
  expect(socket.told.filter(({ type }) => type === 'refused')).toMatchObject([{ what: 'camera', error: { code: 'too_many_streams' } }]);
  expect(publisher.displays.at(-1)).toMatchObject({ sending: { audio: 'on', video: 'off' } });
  publisher.emit(VIDEOROOM_UNPUBLISHED, { feed: dan.feed });
  socket.says({ type: 'sending', audio: 'on', video: 'on' });
  await settle();
  expect(publisher.asked.at(-1)).toBe('moderate 1 false');
  expect(publisher.displays.at(-1)).toMatchObject({ sending: { video: 'on' } });
});

test('of two who were let in at the same moment the second gives way, once it hears of the first, and is told so; the first hears of it, and stays', async () => {
  vi.setSystemTime(1000);
  const full = { ...grant, streams: { cameras: 1 } };
  const dan = (letInAt: number) => {
    const said = { userAlias: 'dan', deviceId: 'car', kind: 'camera', sending: { audio: 'on', video: 'on' } };
    return { ...ben, feed: 'feed-of-dan', display: JSON.stringify({ ...said, letIn: { camera: letInAt } }) };
  };
  const { socket, publisher } = opened({ admit: async () => full });
  Object.assign(publisher, { feed: 'feed-of-ann' });
  publisher.answer = 'v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:1\r\n';
  socket.says(join);
  await settle();
  socket.says({ type: 'sending', audio: 'on', video: 'on' });
  socket.says(publish);
  await settle();
  expect(publisher.displays.at(-1)).toMatchObject({ letIn: { camera: 1000 } });
  publisher.emit(VIDEOROOM_PUB_LIST ?? '', { publishers: [dan(1001)] });
  await settle();
  expect([publisher.asked.includes('moderate 1 true'), socket.types.includes('refused')]).toEqual([false, false]);
  publisher.emit(VIDEOROOM_DISPLAY ?? '', dan(999));
  await settle();
  expect(publisher.asked.filter((one) => one.startsWith('moderate'))).toEqual(['moderate 1 true']);
  expect(socket.told.filter(({ type }) => type === 'refused')).toMatchObject([{ what: 'camera', error: { code: 'too_many_streams' } }]);
  expect(publisher.displays.at(-1)).toMatchObject({ sending: { audio: 'on', video: 'off' } });
  expect(publisher.displays.at(-1)).not.toHaveProperty('letIn');
});
