/*
 * In whatever order reply, event, snapshot, media and permission arrive, and whatever the user does meanwhile: no camera or microphone
 * is open while no call is shown, nothing is sent that its button denies, every call that is shown can be left at once, a dial is
 * shown as one call, and in the end the device shows what the Center has.
 */
import { type CallEvent, type CallState, foldCallEvent, participantOf, type UserAlias } from '@communication-center/contracts';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Call } from './call.js';
import { CommunicationCenter } from './communication-center.js';
import { dialedFrame, eventFrame, StandInCenter, type StandInSocket } from './stand-in-center.js';
import { StandInDevices, StandInPeer } from './stand-in-media.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

type Frame = Record<string, unknown> & { type: string };
const media = { url: 'wss://media.example.com', token: 't', expiresAt: '', generation: 1, iceServers: [] };
const alice = 'alice' as UserAlias;

/** The Center as its rules have it, for one device of alice's; what it says arrives when the story lets it. */
class ModelCenter {
  readonly there = new StandInCenter();
  readonly calls = new Map<string, CallState>();
  inbox: { socket: StandInSocket; frame: Frame }[] = [];
  replies: { socket: StandInSocket; frame: object }[] = [];
  events: object[] = [];
  readonly #answered = new Map<string, object>();
  readonly #cancelled = new Set<unknown>();
  readonly #madeBy = new Map<unknown, string>();
  refuses: string | undefined;

  constructor() {
    this.there.onConnect = (socket) => {
      this.there.calls = [...this.calls.values()];
      socket.tell({ type: 'connected', ...this.there.connectedFields() });
    };
    this.there.onFrame = (socket, frame) => {
      if (frame.type === 'join')
        return socket.tell({ type: 'joined', callId: [...this.calls.keys()].at(-1), streams: [], knows: ['sending'] });
      if (frame.type === 'publish') return socket.tell({ type: 'published', sdp: 'theirs' });
      if (socket.url.includes('center')) this.inbox.push({ socket, frame });
    };
  }

  /** The call that alice is in, or that rings her. */
  get current(): CallState | undefined {
    return [...this.calls.values()].find((call) => call.status !== 'ended' && participantOf(call, alice)?.state !== 'gone');
  }

  append(callId: string, type: string, data: object): void {
    const known = this.calls.get(callId);
    const sequence = (known?.sequence ?? 0) + 1;
    const time = new Date(Date.UTC(2026, 0, 1) + (this.calls.size * 100 + sequence) * 1000).toISOString();
    const { event: dialed } = dialedFrame(data) as { event: object & { data: object } };
    const about = { callid: callId, subject: callId, time };
    const frame = eventFrame(type, sequence, type === 'call.dialed' ? dialed.data : data, about) as { event: CallEvent };
    this.calls.set(callId, foldCallEvent(known, frame.event));
    this.events.push(frame);
  }

  begin(initiator: string, callees: string[], refused?: string): string {
    const callId = `019b7777-0000-7000-8000-${String(this.calls.size + 1).padStart(12, '0')}`;
    const refusals = refused ? { refused: callees.map((userAlias) => ({ userAlias, reason: refused })) } : {};
    this.append(callId, 'call.dialed', { initiator, initiatorDevice: `${initiator}-phone`, callees, ...refusals });
    if (refused) this.append(callId, 'call.ended', { reason: refused, talkSeconds: 0 });
    return callId;
  }

  end(callId: string, userAlias: string): void {
    this.append(callId, 'call.hung_up', { userAlias, deviceId: `${userAlias}-phone`, reason: 'hung_up' });
    this.append(callId, 'call.ended', { reason: 'hung_up', talkSeconds: 1 });
  }

  work(): void {
    const asked = this.inbox.shift();
    if (!asked) return;
    const { id, commandId } = asked.frame;
    const answer = (commandId && this.#answered.get(String(commandId))) || this.#decide(asked.frame);
    // A cancel names the dial's own id.
    if (commandId && asked.frame.type !== 'cancel_dial') this.#answered.set(String(commandId), answer);
    this.replies.push({ socket: asked.socket, frame: { ...answer, id } });
  }

  #decide({ type, commandId, callId, callees }: Frame): object {
    if (type === 'dial') return this.#dial(commandId, callees as string[]);
    if (type === 'cancel_dial') {
      this.#cancelled.add(commandId);
      const made = this.calls.get(this.#madeBy.get(commandId) ?? '');
      if (made && made.status !== 'ended') this.end(made.callId, alice);
      return { type: 'done' };
    }
    const call = this.calls.get(String(callId));
    const me = call && participantOf(call, alice);
    if (!call || call.status === 'ended' || me?.state === 'gone') return refusal('already_ended');
    if (type === 'hang_up') this.end(call.callId, alice);
    else if (type === 'answer' && me?.state === 'ringing') {
      this.append(call.callId, 'call.answered', { userAlias: alice, deviceId: 'alice-phone' });
    }
    return this.#reply(call.callId);
  }

  #dial(commandId: unknown, callees: string[]): object {
    if (this.#cancelled.has(commandId)) return refusal('dial_cancelled');
    if (this.current && participantOf(this.current, alice)?.state === 'connected') return refusal('initiator_busy');
    const refused = this.refuses;
    const callId = this.begin(alice, callees, refused);
    this.#madeBy.set(commandId, callId);
    return refused ? { ...refusal('all_callees_busy', callId) } : this.#reply(callId);
  }

  #reply(callId: string): object {
    const call = this.calls.get(callId);
    return { type: 'reply', result: { callId, sequence: call?.sequence, call, media } };
  }

  deliver(what: 'reply' | 'event'): void {
    if (what === 'event') {
      const event = this.events.shift();
      if (event) this.there.sockets.findLast(({ url }) => url.includes('center'))?.tell(event);
      return;
    }
    const reply = this.replies.shift();
    if (reply?.socket.readyState === 1) reply.socket.tell(reply.frame);
  }

  /** The socket breaks: what was under way is lost with it. */
  breakOff(): void {
    this.events = [];
    this.replies = [];
    this.there.sockets.findLast(({ url }) => url.includes('center'))?.breakOff();
  }
}

const refusal = (code: string, callId?: string) => ({ type: 'error', error: { code, message: code, ...(callId && { callId }) } });

const steps = [
  'dial bob',
  'dial carol',
  'hang up',
  'answer',
  'mute',
  'camera off',
  'camera on',
  'allow',
  'deny',
  'center works',
  'reply',
  'event',
  'break',
  'wait',
  'bob answers',
  'other hangs up',
  'dora calls',
  'refuse next',
] as const;
type Step = (typeof steps)[number];

interface Device {
  model: ModelCenter;
  devices: StandInDevices;
  center: CommunicationCenter;
  dialed: Set<Call>;
  shown: Set<Call>;
}

async function aDevice(): Promise<Device> {
  vi.useFakeTimers();
  const devices = new StandInDevices();
  devices.answer = undefined;
  devices.install(vi.stubGlobal);
  const model = new ModelCenter();
  vi.stubGlobal('fetch', async (url: URL) => {
    const call = model.calls.get(url.pathname.split('/').at(-1) ?? '');
    return call ? { ok: true, status: 200, json: async () => call } : { ok: false, status: 404, json: async () => ({}) };
  });
  const center = await CommunicationCenter.connect({
    url: 'https://center.example.com',
    appId: 'demo',
    userAlias: alice,
    token: 'a token',
    deviceId: 'alice-phone',
    media: true,
    webSocket: model.there.webSocket,
  });
  const shown = new Set<Call>();
  // One that was over before this device heard of it is history.
  center.on('callChanged', (call) => call.phase !== 'ended' && shown.add(call));
  return { model, devices, center, dialed: new Set(), shown };
}

async function take({ model, devices, center, dialed }: Device, step: Step): Promise<void> {
  const [call] = center.activeCalls;
  const current = model.current;
  const me = current && participantOf(current, alice);
  if (step === 'dial bob' || step === 'dial carol') dialed.add(center.dial([step.slice(5)]));
  else if (step === 'hang up') call?.hangUp().catch(() => undefined);
  else if (step === 'answer')
    void center.activeCalls
      .find(({ phase }) => phase === 'ringing')
      ?.answer()
      .catch(() => undefined);
  else if (step === 'mute') call?.setSending('audio', false);
  else if (step === 'camera off') call?.setSending('video', false);
  else if (step === 'camera on') call?.setSending('video', true);
  else if (step === 'allow' || step === 'deny') devices.settle(step === 'allow' ? 'allow' : 'NotAllowedError');
  else if (step === 'center works') model.work();
  else if (step === 'reply' || step === 'event') model.deliver(step);
  else if (step === 'break') model.breakOff();
  else if (step === 'wait') await vi.advanceTimersByTimeAsync(2500);
  else if (step === 'refuse next') model.refuses = model.refuses ? undefined : 'busy';
  else if (step === 'dora calls' && !current) model.begin('dora', [alice]);
  else if (step === 'other hangs up' && current && me?.state === 'connected' && current.status === 'connected')
    model.end(current.callId, current.participants.find(({ userAlias }) => userAlias !== alice)?.userAlias ?? '');
  else if (step === 'bob answers' && current?.status === 'ringing' && current.initiator === alice) {
    const callee = current.participants.find(({ state }) => state === 'ringing')?.userAlias ?? '';
    model.append(current.callId, 'call.answered', { userAlias: callee, deviceId: `${callee}-phone` });
  }
  await vi.advanceTimersByTimeAsync(0);
}

function expectCold({ devices, center, dialed, shown }: Device): void {
  const active = center.activeCalls;
  if (active.length === 0) expect(devices.live, 'open devices without a call').toEqual([]);
  const wished = new Set(active.flatMap(({ sending }) => (['audio', 'video'] as const).filter((kind) => sending[kind].wished)));
  for (const kind of StandInPeer.made.flatMap(({ sent }) => sent)) expect(wished, 'sent against the wish').toContain(kind);
  const outgoing = [...shown].filter(({ direction }) => direction === 'outgoing');
  expect(outgoing.filter((call) => !dialed.has(call)).length, 'calls shown that nobody dialed').toBe(0);
}

async function settle(device: Device): Promise<void> {
  const { model, center } = device;
  for (let round = 0; round < 60; round += 1) {
    model.work();
    model.deliver('event');
    model.deliver('reply');
    await vi.advanceTimersByTimeAsync(round % 10 === 9 ? 1500 : 0);
  }
  const here = [...model.calls.values()].filter((call) => {
    const me = participantOf(call, alice);
    return call.status !== 'ended' && (me?.state === 'ringing' || (me?.state === 'connected' && me.deviceId === 'alice-phone'));
  });
  expect(center.activeCalls.map(({ callId }) => callId).sort()).toEqual(here.map(({ callId }) => callId as string).sort());
  expectCold(device);
}

const stories = fc.array(fc.constantFrom(...steps, 'center works' as const, 'reply' as const, 'event' as const), { maxLength: 30 });
/** Those that people met. */
const examples: [Step[]][] = [
  [['dial bob', 'center works', 'reply', 'event', 'hang up', 'allow']],
  [['dial bob', 'hang up', 'center works', 'event', 'reply', 'allow']],
  [['dial bob', 'center works', 'hang up', 'event', 'reply']],
  [['dial bob', 'dial bob', 'center works', 'event', 'bob answers', 'event', 'mute', 'allow', 'reply']],
  [['refuse next', 'dial bob', 'center works', 'reply', 'event', 'event']],
  [['dial bob', 'center works', 'break', 'wait', 'hang up', 'wait']],
  [['dial bob', 'break', 'center works', 'bob answers', 'other hangs up']],
  [['dora calls', 'event', 'answer', 'camera off', 'allow', 'other hangs up', 'center works', 'reply']],
];

test('whatever comes in whatever order, devices are open for shown calls alone, and the device ends up as the Center has it', async () => {
  await fc.assert(
    fc.asyncProperty(stories, async (story) => {
      const device = await aDevice();
      for (const step of story) {
        await take(device, step);
        expectCold(device);
      }
      await settle(device);
      device.center.close();
    }),
    { numRuns: 300, examples },
  );
});

test('every call that is shown can be left at any moment, at once, without the Center', async () => {
  await fc.assert(
    fc.asyncProperty(stories, async (story) => {
      const device = await aDevice();
      const { center, devices, model } = device;
      for (const step of story) await take(device, step);
      const [ringing, others] = [center.activeCalls.filter(({ phase }) => phase === 'ringing'), center.activeCalls];
      for (const call of others) if (!ringing.includes(call)) call.hangUp().catch(() => undefined);
      expect(center.activeCalls).toEqual(ringing);
      if (ringing.length === 0) expect(devices.live).toEqual([]);
      // A second one changes nothing.
      for (const call of others) if (!ringing.includes(call)) call.hangUp().catch(() => undefined);
      await settle(device);
      expect(center.activeCalls.filter((call) => others.includes(call) && !ringing.includes(call))).toEqual([]);
      const left = others.filter((call) => !ringing.includes(call)).map(({ callId }) => model.calls.get(callId)?.status ?? 'ended');
      expect(
        left.every((status) => status === 'ended'),
        'the Center was told',
      ).toBe(true);
      center.close();
    }),
    { numRuns: 200, examples },
  );
});
