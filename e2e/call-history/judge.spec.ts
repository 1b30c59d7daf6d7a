/*
 * A judge that finds nothing proves nothing: each rule is broken once, on paper, and must be found.
 */
import { type CallEvent, type CallState, callEventSchema, foldCallEvent } from '@communication-center/contracts';
import { describe, expect, test } from 'vitest';
import type { Evidence } from './evidence.js';
import { judge } from './judge.js';

const start = Date.parse('2026-01-01T00:00:00.000Z');
const audience = ['alice', 'bob'];
const phone = { userAlias: 'bob', deviceId: 'bob-0' };

function history(callId: string, told: [seconds: number, type: string, data: object][]): CallEvent[] {
  return told.map(([seconds, type, data], index) =>
    callEventSchema.parse({
      specversion: '1.0',
      id: `${callId}-${index}`,
      source: '/calls',
      type,
      time: new Date(start + seconds * 1000).toISOString(),
      subject: callId,
      callid: callId,
      appid: 'test',
      sequence: index + 1,
      dataversion: 1,
      data: { audience, ...data },
    }),
  );
}

const firstCall = '01890000-0000-7000-8000-000000000001';
const secondCall = '01890000-0000-7000-8000-000000000002';
const terms = { callType: 'audio_video', ringSeconds: 5, maxParticipants: 8, maxDurationSeconds: 60 };
const dialed = { initiator: 'alice', initiatorDevice: 'alice-0', callees: ['bob'], ...terms };

const aCall = (callId: string, from = 0) =>
  history(callId, [
    [from, 'call.dialed', dialed],
    [from + 3, 'call.answered', phone],
    [from + 9, 'call.hung_up', { ...phone, reason: 'hung_up' }],
    [from + 9, 'call.ended', { reason: 'hung_up', talkSeconds: 6 }],
  ]);

/** What a sound run of these events leaves behind. */
function evidenceOf(log: CallEvent[]): Evidence {
  const states = [...Map.groupBy(log, (event) => event.callid).values()].map(
    (events) => events.reduce<CallState | undefined>(foldCallEvent, undefined) as CallState,
  );
  const rings = states.map(({ callId, dialedAt }) => ({ callId, ringId: dialedAt, at: Date.parse(dialedAt) }));
  const online = [{ from: start - 10_000, to: start + 100_000 }];
  return {
    log,
    topic: [...log, ...log.slice(0, 2)],
    devices: [
      { userAlias: 'alice', deviceId: 'alice-0', connected: true, online, rings: [], calls: states, stillActive: [] },
      { userAlias: 'bob', deviceId: 'bob-0', connected: true, online, rings, calls: states, stillActive: [] },
    ],
    commands: [{ ...phone, type: 'answer', askedAt: start, answeredAt: start, callId: states[0]?.callId }],
    webhooks: log.map(({ id, callid, sequence, type }) => ({ id, callId: callid, sequence, type })),
    badSignatures: 0,
    lines: [],
    ringRows: [],
    deadlineRows: [],
    history: states,
    busyByPresence: [],
    disturbed: [],
  };
}

const sound = () => evidenceOf([...aCall(firstCall), ...aCall(secondCall, 20)]);

test('a sound run has nothing against it', () => {
  expect(judge(sound())).toEqual([]);
});

describe('is found:', () => {
  const broken: [what: string, rule: RegExp, breaks: (evidence: Evidence) => Partial<Evidence>][] = [
    ['a lost event of the store', /without a gap/, ({ log }) => ({ log: log.filter(({ id }) => id !== `${firstCall}-1`) })],
    ['a call that does not end', /ends exactly once/, ({ log }) => ({ log: log.slice(0, -1) })],
    ['somebody in two calls', /one call at a time/, () => evidenceOf([...aCall(firstCall), ...aCall(secondCall, 4)])],
    ['somebody left in a call', /comes out of it/, ({ log }) => ({ log: log.slice(0, -2) })],
    [
      'a ring that lasts too long',
      /ends in time/,
      () =>
        evidenceOf(
          history(firstCall, [
            [0, 'call.dialed', dialed],
            [8, 'call.missed', { userAlias: 'bob', initiator: 'alice', reason: 'no_answer' }],
            [8, 'call.ended', { reason: 'no_answer', talkSeconds: 0 }],
          ]),
        ),
    ],
    [
      'two answers to one ring',
      /first answer wins/,
      () =>
        evidenceOf(
          history(firstCall, [
            [0, 'call.dialed', dialed],
            [1, 'call.answered', phone],
            [1, 'call.answered', { ...phone, deviceId: 'bob-1' }],
            [9, 'call.hung_up', { ...phone, reason: 'hung_up' }],
            [9, 'call.ended', { reason: 'hung_up', talkSeconds: 8 }],
          ]),
        ),
    ],
    [
      'an event that was not published',
      /topic carries the store/,
      ({ topic }) => ({ topic: topic.filter(({ sequence }) => sequence !== 4) }),
    ],
    ['events published out of order', /topic carries the store/, ({ topic }) => ({ topic: topic.toReversed() })],
    [
      'a promise that was not kept',
      /was promised/,
      ({ commands }) => ({ commands: commands.map((one) => ({ ...one, deviceId: 'bob-1' })) }),
    ],
    [
      'an untyped refusal',
      /code of the protocol/,
      ({ commands }) => ({ commands: commands.map((one) => ({ ...one, refused: 'unknown' })) }),
    ],
    [
      'a device that missed the end',
      /knows how each of its calls/,
      ({ devices }) => ({ devices: devices.map((one) => ({ ...one, calls: [] })) }),
    ],
    [
      'a device that rings on',
      /when all is over/,
      ({ devices }) => ({ devices: devices.map((one) => ({ ...one, stillActive: [firstCall] })) }),
    ],
    [
      'a doubled ring',
      /shows a ring once/,
      ({ devices }) => ({ devices: devices.map((one) => ({ ...one, rings: [...one.rings, ...one.rings] })) }),
    ],
    [
      'a phantom ring',
      /shows a ring once/,
      ({ devices }) => ({ devices: devices.map((one) => ({ ...one, rings: [...one.rings, { callId: firstCall, ringId: 'x', at: 0 }] })) }),
    ],
    ['a ring that was not shown', /ring that lasts/, ({ devices }) => ({ devices: devices.map((one) => ({ ...one, rings: [] })) })],
    ['a webhook that was not sent', /reaches the webhook/, ({ webhooks }) => ({ webhooks: webhooks.slice(1) })],
    [
      'a webhook under two ids',
      /reaches the webhook/,
      ({ webhooks }) => ({ webhooks: [...webhooks, { ...webhooks[0], id: 'x' } as never] }),
    ],
    ['a bad signature', /rightly signed/, () => ({ badSignatures: 1 })],
    ['an occupancy that is not released', /occupancies/, () => ({ lines: [{ userAlias: 'bob', callId: firstCall }] })],
    ['a ring row that stays', /occupancies/, () => ({ ringRows: [{ userAlias: 'bob', callId: firstCall }] })],
    ['a deadline that stays', /occupancies/, () => ({ deadlineRows: [{ callId: firstCall, kind: 'ring' }] })],
    ['a call without a deadline', /occupancies/, ({ log }) => ({ log: log.slice(0, -1) })],
    ['a history that tells otherwise', /history equals/, ({ history: rows }) => ({ history: rows.slice(1) })],
    ['somebody stuck busy', /nobody is busy/, () => ({ busyByPresence: [`bob in ${firstCall}`] })],
  ];

  test.each(broken)('%s', (_what, rule, breaks) => {
    const evidence = sound();
    const rules = judge({ ...evidence, ...breaks(evidence) }).map((violation) => violation.rule);
    expect(rules).toEqual(expect.arrayContaining([expect.stringMatching(rule)]));
  });
});
