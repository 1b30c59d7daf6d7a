/*
 * A dial is shown at once and becomes whatever it comes to, by whatever tells of that first.
 */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Call } from './call.js';
import { aCall, callId, connected, dialedFrame, eventFrame, ringing } from './stand-in-center.js';
import { StandInPhone, up } from './stand-in-phone.js';

let phone: StandInPhone;
beforeEach(() => {
  vi.useFakeTimers();
  phone = new StandInPhone(vi.stubGlobal);
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const settle = (milliseconds = 0) => vi.advanceTimersByTimeAsync(milliseconds);

describe('a dial', () => {
  test.each([
    ['nobody', [], { code: 'nobody_called' }],
    ['oneself', ['alice'], { code: 'calling_oneself', userAliases: ['alice'] }],
    ['what is no alias', ['bob', ' carol'], { code: 'invalid_alias', userAliases: [' carol'], fields: [{ field: 'callees.1' }] }],
  ])('of %s is refused here, and says why', async (_whom, callees, error) => {
    const center = await phone.connect();
    const call = center.dial(callees);
    expect([call.phase, call.end?.reason, center.activeCalls]).toEqual(['ended', 'error', []]);
    expect(call.end?.error).toMatchObject(error);
    await expect(center.call(callees)).rejects.toMatchObject(error);
    expect(phone.there.socket.last('dial')).toBeUndefined();
  });

  test('of somebody who dials at the same moment goes on as the call of the dial, and the ring is over', async () => {
    const center = await phone.connect({ media: false, userAlias: 'bob', deviceId: 'bob-phone' });
    const rings: Call[] = [];
    center.on('incomingCall', (call) => rings.push(call));
    const call = center.dial(['alice']);
    phone.there.socket.tell(dialedFrame());
    expect(rings.map(({ phase }) => phase)).toEqual(['ringing']);
    phone.there.socket.tell(eventFrame('call.answered', 2, { userAlias: 'bob', deviceId: 'bob-phone' }));
    expect([center.activeCalls, call.phase, call.callId, rings[0]?.phase]).toEqual([[call], 'connected', callId, 'ended']);
  });

  test('of which the Center knows nothing for too long has failed, and what it makes all the same is hung up', async () => {
    const center = await phone.connect({ requestTimeoutMs: 3000 });
    const call = center.dial(['bob']);
    await settle(3000);
    expect(call.end?.error?.code).toBe('service_unavailable');
    expect(phone.there.socket.last('cancel_dial')).toBeDefined();
    phone.there.socket.tell(dialedFrame());
    expect([center.activeCalls, phone.there.socket.last('hang_up')?.callId]).toEqual([[], callId]);
  });

  test('that was refused with its call is that call, whose events come afterwards', async () => {
    const center = await phone.connect({ media: false });
    const call = center.dial(['bob']);
    const told: Call[] = [];
    center.on('callChanged', (one) => told.push(one));
    const { id } = phone.there.socket.last('dial') ?? {};
    phone.there.socket.tell({ type: 'error', id, error: { code: 'all_callees_busy', message: 'busy', callId } });
    await settle();
    phone.there.socket.tell(dialedFrame({ refused: [{ userAlias: 'bob', reason: 'busy' }] }));
    phone.there.socket.tell(eventFrame('call.ended', 2, { reason: 'busy', talkSeconds: 0 }));
    expect([call.state.status, call.end?.reason, call.end?.error?.code]).toEqual(['ended', 'busy', 'all_callees_busy']);
    expect([new Set(told), phone.there.sockets.length, phone.there.socket.last('hang_up')]).toEqual([new Set([call]), 1, undefined]);
  });

  test('whose reply overtakes its event is told to the app that waits for the reply', async () => {
    const center = await phone.connect({ media: false });
    const told: Call[] = [];
    center.on('callChanged', (one) => told.push(one));
    const dialing = center.call(['bob']);
    expect([told, center.activeCalls]).toEqual([[], []]);
    phone.there.socket.tell({ type: 'reply', id: phone.there.socket.last('dial')?.id, result: { callId, sequence: 1, call: aCall() } });
    const call = await dialing;
    phone.there.socket.tell(dialedFrame());
    expect([new Set(told), center.activeCalls]).toEqual([new Set([call]), [call]]);
  });

  test('of somebody with whom one is talking takes nothing away from that call', async () => {
    const { center, call } = await phone.back({ media: false });
    const second = center.dial(['bob']);
    phone.there.socket.tell(eventFrame('call.ringing', 4, { userAlias: 'bob', deviceId: 'bob-desk' }));
    expect([call.phase, call.state.sequence, second.isPlaced]).toEqual(['connected', 4, false]);
    const { id } = phone.there.socket.last('dial') ?? {};
    phone.there.socket.tell({ type: 'error', id, error: { code: 'initiator_busy', message: 'busy' } });
    await settle();
    expect([second.end?.error?.code, center.activeCalls]).toEqual(['initiator_busy', [call]]);
  });

  test('moved to another device is in that one, and can be moved back', async () => {
    const center = await phone.connect({ media: false });
    phone.there.calls = [aCall({ ...up, participants: [connected('alice', 'alice-desk'), connected('bob')] })];
    phone.there.socket.breakOff();
    await settle(1000);
    const [call] = center.callsElsewhere;
    expect([call?.phase, call?.isElsewhere, center.activeCalls]).toEqual(['ended', true, []]);
    void call?.join();
    expect(phone.there.socket.last('join')).toMatchObject({ callId });
    phone.there.socket.tell(eventFrame('call.joined', 2, { userAlias: 'alice', deviceId: 'alice-phone' }));
    expect([center.activeCalls, center.callsElsewhere]).toEqual([[call], []]);
  });

  test('is not rung by what only looks like it', async () => {
    const center = await phone.connect();
    const call = center.dial(['carol']);
    phone.there.socket.tell(dialedFrame({ callees: ['bob'] }));
    expect(call.isPlaced).toBe(false);
    const ring = aCall({ initiator: 'carol', participants: [connected('carol'), ringing('alice')] });
    phone.there.calls = [ring];
    phone.there.socket.breakOff();
    await settle(1000);
    expect([call.phase, call.isPlaced]).toEqual(['dialing', false]);
  });
});
