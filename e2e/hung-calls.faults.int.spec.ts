/*
 * A calls replica that hangs with a request of many commands on the way holds up each of them for the time of one answer, and no more: the
 * other replica carries it out, once, and what the first had taken up is done by nobody a second time when it goes on.
 */
import { eventually, Fleet, holds, RawSocket, type TestApp } from '@communication-center/testing';
import { afterEach, expect, test } from 'vitest';

const fleet = new Fleet();
const count = 32;
const open: RawSocket[] = [];
const [hung = 'calls'] = fleet.replicasOf('calls');

afterEach(async () => {
  await fleet.control(hung, 'thaw').catch(() => undefined);
  for (const socket of open.splice(0)) socket.close();
  await fleet.ready('calls');
});

interface Dialing {
  socket: RawSocket;
  callee: string;
  commandId: string;
}

async function dialers(app: TestApp): Promise<Dialing[]> {
  return Promise.all(
    Array.from({ length: count }, async (_, n) => {
      const [userAlias, callee] = [`from-${n}`, `to-${n}`];
      await fleet.makeUser(app, callee);
      const token = await fleet.tokenOf(app, userAlias);
      const socket = await RawSocket.open(fleet);
      open.push(socket);
      socket.send({ type: 'connect', id: 'c', appId: app.appId, userAlias, deviceId: 'desk', token });
      await socket.frame('connected');
      return { socket, callee, commandId: crypto.randomUUID() };
    }),
  );
}

/** @returns what each is answered, and after how many milliseconds. */
async function dialAll(all: readonly Dialing[], id: string, afterSending: () => Promise<void> = async () => undefined) {
  const began = performance.now();
  for (const [n, { socket, callee, commandId }] of all.entries()) {
    // What is sent at one moment goes in one request: a second one goes to the other replica.
    if (n === count / 2) await new Promise((resolve) => setTimeout(resolve, 50));
    socket.send({ type: 'dial', id, commandId, callees: [callee] });
  }
  await afterSending();
  return Promise.all(
    all.map(async ({ socket }) => {
      const isIt = (frame: { id?: unknown }) => frame.id === id;
      const find = () => socket.frames.find((frame) => (frame.type === 'reply' || frame.type === 'error') && isIt(frame as never));
      const answer = await eventually('an answer', find, 20_000);
      const callId = answer.type === 'reply' ? answer.result.callId : undefined;
      return { callId, code: answer.type === 'error' ? answer.error.code : undefined, ms: performance.now() - began };
    }),
  );
}

const callsOf = async (app: TestApp) =>
  (await fleet.query<{ call_id: string }>('calls', 'SELECT call_id FROM calls WHERE app_id = $1', [app.appId])).map(
    ({ call_id }) => call_id,
  );

test.skipIf(fleet.replicasOf('calls').length < 2)(
  'of 32 dials that reach a replica that hangs each is made once, by the other, after the time of one answer',
  { timeout: 120_000 },
  async () => {
    const app = await fleet.makeApp({ options: { mediaSetupSeconds: 0 } });
    const all = await dialers(app);
    await fleet.control(hung, 'freeze');
    const answers = await dialAll(all, 'first');
    expect(answers.map(({ code }) => code).filter(Boolean)).toEqual([]);
    expect(Math.max(...answers.map(({ ms }) => ms))).toBeLessThan(9000);
    // Some were with the one that hangs.
    expect(Math.max(...answers.map(({ ms }) => ms))).toBeGreaterThan(4000);
    await fleet.control(hung, 'thaw');
    await fleet.ready('calls');
    const made = answers.map(({ callId }) => callId).toSorted();
    expect(new Set(made).size).toBe(count);
    // What it had been asked is done already, or too old.
    await holds('no call being made twice', async () => (await callsOf(app)).toSorted().join() === made.join(), 4000);
  },
);

test.skipIf(fleet.replicasOf('calls').length < 2)(
  'of 32 dials in whose middle it hangs each is answered in time, and is one call when it is asked again',
  { timeout: 180_000 },
  async () => {
    const app = await fleet.makeApp({ options: { mediaSetupSeconds: 0 } });
    const all = await dialers(app);
    const first = await dialAll(all, 'first', () => fleet.control(hung, 'freeze'));
    // Ten seconds of trying, and the answer of the last try.
    expect(Math.max(...first.map(({ ms }) => ms))).toBeLessThan(17_000);
    expect(first.filter(({ code }) => code !== undefined && code !== 'service_unavailable')).toEqual([]);
    await fleet.control(hung, 'thaw');
    await fleet.ready('calls');
    const second = await dialAll(all, 'second');
    expect(second.map(({ code }) => code).filter(Boolean)).toEqual([]);
    for (const [n, { callId }] of first.entries()) if (callId) expect(second[n]?.callId).toBe(callId);
    const made = second.map(({ callId }) => callId).toSorted();
    await holds('each being one call', async () => (await callsOf(app)).toSorted().join() === made.join(), 3000);
  },
);
