/* A call tells the differences of its fold: each once, and how it ended for this very device. */
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { Call } from './call.js';
import type { CallFrame, CallOffice } from './call-office.js';
import { CenterError } from './center-error.js';
import { aCall, connected, gone, ringing } from './stand-in-center.js';
import type { ToldCall, ToldReply } from './told-call.js';

const told = (more: object = {}) => aCall(more) as unknown as ToldCall;
const up = { status: 'connected', answeredAt: '2026-01-01T00:00:00.000Z' };
const over = { status: 'ended', answeredAt: null, endedAt: '2026-01-01T00:00:00.000Z', talkSeconds: 0 };
let asked: CallFrame[];
let answer: (frame: CallFrame) => ToldCall;

const officeOf = (userAlias: string) =>
  ({
    userAlias,
    deviceId: `${userAlias}-phone`,
    usesMedia: false,
    command: async (call: Call, frame: CallFrame) => {
      asked.push(frame);
      const state = answer(frame);
      return { callId: call.callId, sequence: state.sequence, call: state } as ToldReply;
    },
  }) as unknown as CallOffice;

/** A call as somebody's phone sees it, and all it tells. */
function callOf(userAlias: string, state: ToldCall): { call: Call; heard: unknown[][] } {
  const call = new Call(officeOf(userAlias), state);
  const heard: unknown[][] = [];
  const events = [
    'ringing',
    'answered',
    'invited',
    'declined',
    'left',
    'connected',
    'ended',
    'upgradeRequested',
    'upgraded',
    'upgradeRefused',
  ] as const;
  for (const event of events) call.on(event, (...args: unknown[]) => heard.push([event, ...args]));
  return { call, heard };
}

beforeEach(() => {
  asked = [];
  answer = () => told({ sequence: 9 });
});

test('goes from dialing over ringing to connected, and says each step once', () => {
  const { call, heard } = callOf('alice', told());
  expect([call.phase, call.direction]).toEqual(['dialing', 'outgoing']);
  const confirmed = [connected('alice'), ringing('bob', { confirmed: true })];
  call.update(told({ sequence: 2, participants: confirmed }));
  call.update(told({ sequence: 2, participants: confirmed }));
  call.update(told({ sequence: 3, ...up, participants: [connected('alice'), connected('bob')] }));
  call.update(told({ sequence: 1 }));
  expect(heard).toEqual([['ringing', 'bob'], ['answered', 'bob'], ['connected']]);
  expect(call.phase).toBe('connected');
});

describe('ends for this device', () => {
  const bobSees = (state: object) => {
    const { call, heard } = callOf('bob', told());
    call.update(told({ sequence: 5, ...state }));
    expect(heard.filter(([event]) => event === 'ended')).toHaveLength(call.end ? 1 : 0);
    return call.end;
  };

  test('when another one answered', () => {
    const state = { ...up, participants: [connected('alice'), connected('bob', 'bob-watch')] };
    expect(bobSees(state)).toEqual({ reason: 'answered_elsewhere', byDevice: 'bob-watch' });
  });

  test('when another one declined', () => {
    const participants = [connected('alice'), gone('bob', 'declined', 'bob-watch')];
    expect(bobSees({ participants })).toEqual({ reason: 'declined_elsewhere', byDevice: 'bob-watch' });
  });

  test('when this one declined', () => {
    const participants = [connected('alice'), gone('bob', 'declined', 'bob-phone')];
    expect(bobSees({ participants })).toEqual({ reason: 'declined', byDevice: null });
  });

  test('when another one declined, with the reason that was given', () => {
    const bob = { ...gone('bob', 'declined', 'bob-watch'), declineReason: 'busy' };
    expect(bobSees({ participants: [connected('alice'), bob] })).toEqual({
      reason: 'declined_elsewhere',
      byDevice: 'bob-watch',
      declineReason: 'busy',
    });
  });

  test('when a decline ended the call that another one is in', () => {
    const participants = [gone('alice', 'hung_up'), gone('bob', 'declined', 'bob-watch'), gone('carol', 'declined', 'carol-phone')];
    const state = { ...over, reason: 'declined', declineReason: 'none', participants };
    expect(bobSees(state)).toEqual({ reason: 'answered_elsewhere', byDevice: 'bob-watch' });
  });

  test('when it was missed, though others go on', () => {
    expect(bobSees({ participants: [connected('alice'), gone('bob', 'no_answer')] })).toEqual({ reason: 'no_answer', byDevice: null });
  });

  test('with the call', () => {
    const participants = [gone('alice', 'cancelled'), gone('bob', 'cancelled')];
    expect(bobSees({ ...over, reason: 'cancelled', participants })).toEqual({ reason: 'cancelled', byDevice: null });
  });

  test('not when somebody else leaves', () => {
    const participants = [connected('alice'), ringing('bob'), gone('carol', 'busy')];
    expect(bobSees({ participants })).toBeUndefined();
  });

  test('and begins anew when it is rung again', () => {
    const { call, heard } = callOf('bob', told({ participants: [connected('alice'), gone('bob', 'no_answer')] }));
    expect(call.phase).toBe('ended');
    call.update(told({ sequence: 2, participants: [connected('alice'), ringing('bob')] }));
    expect(call.phase).toBe('ringing');
    expect(heard).toContainEqual(['invited', 'bob']);
  });
});

test('ignored, it stops here and goes on elsewhere; a next ring is heard again', async () => {
  const { call, heard } = callOf('bob', told());
  answer = () => told({ sequence: 2 });
  await call.ignore();
  expect(call.end).toEqual({ reason: 'cancelled', byDevice: 'bob-phone' });
  call.update(told({ sequence: 3, participants: [connected('alice'), ringing('bob', { confirmed: true })] }));
  expect(call.phase).toBe('ended');
  call.update(told({ sequence: 4, participants: [connected('alice'), ringing('bob', { since: '2026-01-01T00:01:00.000Z' })] }));
  expect(call.phase).toBe('ringing');
  expect(heard.filter(([event]) => event === 'ended')).toHaveLength(1);
});

test('the caller hears what was given as reason, from the callee and at the end', () => {
  const { call, heard } = callOf('alice', told());
  const bob = { ...gone('bob', 'declined', 'bob-phone'), declineReason: 'do_not_disturb' };
  call.update(told({ sequence: 2, participants: [connected('alice'), bob] }));
  const ended = {
    ...over,
    reason: 'declined',
    declineReason: 'do_not_disturb',
    participants: [gone('alice', 'declined', 'alice-phone'), bob],
  };
  call.update(told({ sequence: 3, ...ended }));
  expect(heard).toEqual([
    ['declined', 'bob', 'declined', 'do_not_disturb'],
    ['left', 'alice', 'declined'],
    ['ended', { reason: 'declined', byDevice: null, declineReason: 'do_not_disturb' }],
  ]);
});

test('those who leave and those who never came are told apart', () => {
  const { call, heard } = callOf(
    'alice',
    told({ ...up, participants: [connected('alice'), connected('bob'), ringing('carol'), ringing('dave')] }),
  );
  const participants = [connected('alice'), gone('bob', 'hung_up', 'bob-phone'), gone('carol', 'do_not_disturb'), connected('dave')];
  call.update(told({ ...up, sequence: 4, participants }));
  expect(heard).toEqual([
    ['left', 'bob', 'hung_up'],
    ['declined', 'carol', 'do_not_disturb'],
    ['answered', 'dave'],
  ]);
  expect(call.others.map(({ userAlias }) => userAlias)).toEqual(['bob', 'carol', 'dave']);
});

describe('video by consent', () => {
  const wish = { requestedBy: 'alice', until: '2026-01-01T00:01:00.000Z', accepted: [] };
  const both = { ...up, callType: 'audio_upgradable', participants: [connected('alice'), connected('bob')] };

  test('waits for whoever has not consented', () => {
    const { call, heard } = callOf('bob', told(both));
    call.update(told({ ...both, sequence: 2, upgrade: wish }));
    expect(call.upgradeRequestedBy).toBe('alice');
    call.update(told({ ...both, sequence: 3, upgrade: { ...wish, accepted: ['bob'] } }));
    expect(call.upgradeRequestedBy).toBeUndefined();
    call.update(told({ ...both, sequence: 4, callType: 'audio_video' }));
    expect(heard).toEqual([['upgradeRequested', 'alice'], ['upgraded']]);
  });

  test('may be refused', () => {
    const { call, heard } = callOf('alice', told({ ...both, upgrade: wish }));
    expect(call.upgradeRequestedBy).toBeUndefined();
    call.update(told({ ...both, sequence: 2 }));
    expect(heard).toEqual([['upgradeRefused']]);
  });
});

test('an act sends what it means, and takes the reply as news', async () => {
  const { call } = callOf('bob', told({ participants: [connected('alice'), ringing('bob', { waiting: true })] }));
  expect(call.waiting).toBe(true);
  answer = () => told({ ...up, sequence: 2, participants: [connected('alice'), connected('bob')] });
  await call.answer({ hangUpOther: true });
  expect(call.phase).toBe('connected');
  answer = () => told({ ...over, sequence: 3, reason: 'hung_up', participants: [] });
  await call.hangUp();
  expect(asked).toEqual([{ type: 'answer', hangUpOther: true }, { type: 'hang_up' }]);
  expect(call.end?.reason).toBe('hung_up');
});

test('an act that is refused says so and changes nothing', async () => {
  const { call } = callOf('bob', told());
  const changed = vi.fn();
  call.on('changed', changed);
  answer = () => {
    throw new CenterError('already_answered', 'Another device answered first');
  };
  await expect(call.answer()).rejects.toMatchObject({ code: 'already_answered' });
  expect(call.phase).toBe('ringing');
  expect(changed).not.toHaveBeenCalled();
});
