/* A media socket with a stand-in for its device's end, and for the handles of Janus. */
import { EventEmitter } from 'node:events';
import type { MediaServerFrame } from '@communication-center/contracts';
import type { MediaGrant } from '@communication-center/contracts/media-grant';
import type { FeedSection, Publisher } from 'janode/plugins/videoroom';
import type { WebSocket } from 'ws';
import { TriedFlows } from '../quality/flow-watch.js';
import type { Rooms } from '../rooms/rooms.js';
import { MediaSocket, type MediaSocketOwner } from './media-socket.js';

export const callId = '019b7777-0000-7000-8000-000000000001';
export const settings = {
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

/** The device's end: what was said to it, and how the socket was closed. */
export class StandInSocket extends EventEmitter {
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
export class StandInHandle extends EventEmitter {
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

export const grant = {
  appId: 'demo',
  callId,
  userAlias: 'ann',
  deviceId: 'desk',
  sequence: 3,
  rights: ['publish', 'subscribe'],
} as MediaGrant;

export const join = { type: 'join', token: 'a token' };
export const publish = { type: 'publish', kind: 'camera', sdp: 'v=0' };
export const candidate = { type: 'candidate', peer: 'publisher', candidate: { candidate: 'c' } };
export const ben = {
  feed: 'feed-of-ben',
  display: JSON.stringify({ userAlias: 'ben', deviceId: 'sofa', kind: 'camera' }),
  streams: [{ type: 'video', mid: '0' }],
};

/** What is told to whoever owns a socket, and to be looked at by a test. */
const told = ['seatOf', 'record', 'broke', 'faded', 'cameTooLate', 'closed', 'failed', 'measured'] as const;

/** @param spy makes what notes how it was called. @param settle lets all that is due happen. */
export function mediaSockets<Spy extends object>(spy: () => Spy, settle: () => Promise<unknown>) {
  const opened = ({ admit = async () => grant, own = {} }: { admit?: () => Promise<MediaGrant>; own?: Partial<typeof settings> } = {}) => {
    const socket = new StandInSocket();
    const handles = [new StandInHandle(), new StandInHandle()] as const;
    let attached = 0;
    const spies = Object.fromEntries(told.map((name) => [name, spy()])) as Record<(typeof told)[number], Spy>;
    const owner = { admit, ...spies, tried: new TriedFlows(20_000) };
    const node = { isWell: true, attach: async () => handles[attached++ % 2], ask: <T>(answer: Promise<T>) => answer };
    let placed = 0;
    const place = () => {
      placed += 1;
      return Promise.resolve(room);
    };
    const room = { callId, node: 'n1', generation: 2, secret: 's', pin: 'p' };
    const rooms = {
      likely: async () => room,
      giveBack: async () => undefined,
      keep: () => undefined,
      place,
      nodeOf: () => node,
      join: (handle: StandInHandle) => handle.joinPublisher(),
    };
    const media = new MediaSocket(socket as unknown as WebSocket, owner as unknown as MediaSocketOwner, rooms as unknown as Rooms, {
      ...settings,
      ...own,
    });
    return { socket, media, owner, publisher: handles[0], subscriber: handles[1], attached: () => attached, placed: () => placed, node };
  };
  const joined = async (publishers: Publisher[] = []) => {
    const all = opened();
    all.publisher.publishers = publishers;
    all.socket.says(join);
    await settle();
    return all;
  };
  return { opened, joined };
}
