/*
 * A socket that connects at any moment around a dial, an answer or an end is told of the call exactly once: by its
 * snapshot or by events, without a gap and without a repeat.
 */
import type { CallReply, CallState } from '@communication-center/contracts';
import { eventually, Fleet, RawSocket, type TestApp } from '@communication-center/testing';
import { beforeAll, expect, test } from 'vitest';

const fleet = new Fleet();
let app: TestApp;
let tokens: { alice: string; bob: string };

beforeAll(async () => {
  app = await fleet.makeApp();
  await fleet.makeUser(app, 'bob');
  tokens = { alice: await fleet.tokenOf(app, 'alice'), bob: await fleet.tokenOf(app, 'bob') };
});

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const act = async (path: string, who: 'alice' | 'bob', body: object = {}) =>
  (await fleet.rest<CallReply>('POST', `/v1/calls${path}`, tokens[who], { deviceId: `${who}-rest`, ...body })).body;

async function connectBob(): Promise<RawSocket> {
  const socket = await RawSocket.open(fleet);
  socket.send({ type: 'connect', id: 'c', appId: app.appId, userAlias: 'bob', deviceId: 'bob-raw', token: tokens.bob });
  await socket.frame('connected');
  return socket;
}

/** Reads what the socket was told of a call, up to its last event, and checks that it is gapless. */
async function told(socket: RawSocket, callId: string, last: number): Promise<{ fromSnapshot: number; events: number[] }> {
  const connected = socket.frames.find((frame) => frame.type === 'connected');
  const inSnapshot = (connected?.type === 'connected' ? connected.calls : []).find((call: CallState) => call.callId === callId);
  const fromSnapshot = inSnapshot?.sequence ?? 0;
  const events = () =>
    socket.frames.flatMap((frame) => (frame.type === 'event' && frame.event.callid === callId ? [frame.event.sequence] : []));
  await eventually(`event ${last} of the call`, () => Math.max(fromSnapshot, ...events()) >= last);
  // What would come twice comes right behind.
  await pause(30);
  return { fromSnapshot, events: events() };
}

const offsets = Array.from({ length: 18 }, (_, index) => -40 + index * 6);
/** A slow machine may take longer to connect than the sweep is wide: these reach both sides of the moment all the same. */
const fartherOffsets = [100, 200, 400, 800, -100, -200, -400, -800];

/** Connects a socket while something happens, shifted by each offset in turn, and checks what it was told. */
async function sweep(happening: (callId: string | undefined) => Promise<CallReply>, prepare?: () => Promise<CallReply>): Promise<void> {
  const seen = { bySnapshot: 0, byEvents: 0 };
  const connectAt = async (offset: number) => {
    const prepared = await prepare?.();
    const happens = pause(Math.max(0, offset)).then(() => happening(prepared?.callId));
    const connects = pause(Math.max(0, -offset)).then(connectBob);
    const [reply, socket] = await Promise.all([happens, connects]);
    const { fromSnapshot, events } = await told(socket, reply.callId, reply.sequence);
    const expected = Array.from({ length: reply.sequence - fromSnapshot }, (_, index) => fromSnapshot + index + 1);
    expect(events, `offset ${offset} ms, snapshot at ${fromSnapshot}`).toEqual(expected);
    seen[fromSnapshot >= reply.sequence ? 'bySnapshot' : 'byEvents'] += 1;
    socket.close();
    await act(`/${reply.callId}/hang-up`, 'alice');
  };
  for (const offset of offsets) await connectAt(offset);
  for (const offset of fartherOffsets) if (offset > 0 ? seen.byEvents === 0 : seen.bySnapshot === 0) await connectAt(offset);
  // The sweep has met both sides of the moment, or it proves nothing.
  expect(Math.min(seen.bySnapshot, seen.byEvents), JSON.stringify(seen)).toBeGreaterThan(0);
}

test('around a dial', async () => {
  await sweep(() => act('', 'alice', { callees: ['bob'] }));
});

test('around an answer', async () => {
  await sweep(
    (callId) => act(`/${callId}/answer`, 'bob'),
    () => act('', 'alice', { callees: ['bob'] }),
  );
});

test('around an end', async () => {
  await sweep(
    (callId) => act(`/${callId}/hang-up`, 'alice'),
    () => act('', 'alice', { callees: ['bob'] }),
  );
});
