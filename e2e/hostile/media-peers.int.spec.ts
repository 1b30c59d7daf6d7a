/*
 * A broken or malicious peer in a call of its own: whatever it says on its media socket, the media service lives, answers others as fast as
 * before, and nothing of another call reaches it. Janus is asked by nobody else than the service.
 */
import { mediaSubprotocol } from '@communication-center/contracts';
import { eventually, Fleet, type TestApp } from '@communication-center/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { People } from '../media/media-device.js';

const fleet = new Fleet();
const url = fleet.state.mediaUrl;
let app: TestApp;
let open: Peer[] = [];

/** A media socket that says anything. */
class Peer {
  readonly heard: { type: string; error?: { code: string } }[] = [];
  closed: number | undefined;
  readonly #socket: WebSocket;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.onmessage = ({ data }) => this.heard.push(JSON.parse(String(data)));
    socket.onclose = ({ code }) => {
      this.closed = code;
    };
  }

  /** @returns one that is in its call's media. */
  static async of(token: string): Promise<Peer> {
    const socket = new WebSocket(url, mediaSubprotocol);
    const peer = new Peer(socket);
    open.push(peer);
    await new Promise((resolve, reject) => {
      socket.onopen = resolve;
      socket.onerror = () => reject(new Error('the media socket did not open'));
    });
    peer.say({ type: 'join', token });
    await eventually('being let in', () => peer.heard.some(({ type }) => type === 'joined'));
    return peer;
  }

  say(frame: object): void {
    this.sayRaw(JSON.stringify(frame));
  }

  sayRaw(text: string): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(text);
  }

  /** @returns milliseconds until a ping was answered. */
  async roundTrip(): Promise<number> {
    const pongs = () => this.heard.filter(({ type }) => type === 'pong').length;
    const [before, from] = [pongs(), performance.now()];
    this.say({ type: 'ping' });
    await eventually('a pong', () => pongs() > before);
    return performance.now() - from;
  }

  codes(): string[] {
    return [...new Set(this.heard.flatMap(({ error }) => (error ? [error.code] : [])))];
  }

  close(): void {
    this.#socket.close();
  }
}

/** @returns two peers in a call of these two. */
async function inCall(caller: string, callee: string): Promise<[Peer, Peer]> {
  const people = new People(fleet, app);
  const dialed = await people.dial(caller, [callee]);
  const answered = await people.act('answer', dialed.callId, callee);
  return [await Peer.of(People.credentialsIn(dialed).token), await Peer.of(People.credentialsIn(answered).token)];
}

/** When each media service began: another time would tell that it died. */
const began = () =>
  Promise.all(fleet.replicasOf('media').map(async (name) => (await fleet.figuresOf(name)).get('process_start_time_seconds')));

/** An offer with all that makes Janus look at it, and nothing that comes through (RFC 8866). */
const offer = (lines: string) => ({ type: 'publish', kind: 'camera', sdp: `v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n${lines}` });
const candidate = (n: number) => ({
  type: 'candidate',
  peer: 'publisher',
  candidate: { candidate: `candidate:${n} 1 udp ${n} 127.0.0.1 ${1024 + (n % 60_000)} typ host`, sdpMid: '0', sdpMLineIndex: 0 },
});

beforeEach(async () => {
  app = await fleet.makeApp();
  open = [];
});
afterEach(() => {
  for (const peer of open) peer.close();
});

const storms: Record<string, (peer: Peer) => void> = {
  'an offer of 1 MB': (peer) => peer.say(offer('a=x\r\n'.repeat(200_000))),
  'fifty offers of 60 KB that are none': (peer) => {
    for (let n = 0; n < 50; n += 1) peer.say(offer(`m=video 9 UDP/TLS/RTP/SAVPF ${n}\r\n${'a=rtpmap:96 VP8/90000\r\n'.repeat(2_300)}`));
  },
  'a thousand candidates': (peer) => {
    for (let n = 1; n <= 1000; n += 1) peer.say(candidate(n));
  },
  'two thousand changes of what it looks at, of streams that are not its own': (peer) => {
    for (let n = 0; n < 2000; n += 1) peer.say({ type: 'unwatched', streamIds: n % 2 ? [] : ['1', '2', `${n}`] });
  },
  'a thousand restarts': (peer) => {
    for (let n = 0; n < 1000; n += 1) peer.say({ type: 'restart' });
  },
  'a thousand answers to no offer': (peer) => {
    for (let n = 0; n < 1000; n += 1) peer.say({ type: 'answer', sdp: 'v=0\r\n' });
  },
  'a thousand joins more': (peer) => {
    for (let n = 0; n < 1000; n += 1) peer.say({ type: 'join', token: 'x'.repeat(500) });
  },
  'bytes that are no frames': (peer) => {
    for (let n = 0; n < 500; n += 1) peer.sayRaw('['.repeat(n + 1));
  },
};

test.for(Object.keys(storms))('%s from one peer cost the others’ media nothing', async (what) => {
  const [[mallory], [alice, bob]] = await Promise.all([inCall('mallory', 'moe'), inCall('alice', 'bob')]);
  const before = await began();
  const heardOf = { alice: alice.heard.length, bob: bob.heard.length };
  storms[what]?.(mallory);
  const times: number[] = [];
  for (let n = 0; n < 10; n += 1) times.push(await alice.roundTrip(), await bob.roundTrip());
  expect(Math.max(...times), 'others are answered').toBeLessThan(2000);
  // It was refused, or closed, and nobody else heard of it.
  await eventually('an end, a refusal, or an answer behind it all', async () =>
    mallory.closed !== undefined || mallory.codes().length > 0 ? true : (await mallory.roundTrip()) > 0,
  );
  expect(alice.heard.slice(heardOf.alice).filter(({ type }) => type !== 'pong')).toEqual([]);
  expect(bob.heard.slice(heardOf.bob).filter(({ type }) => type !== 'pong')).toEqual([]);
  expect(await began()).toEqual(before);
});
