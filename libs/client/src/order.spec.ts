/*
 * Whatever is lost, comes twice, comes late or breaks, a device never goes back, is told each ring once at most, and in the end has
 * of a call what the Center has. Where nothing is lost it is told every ring.
 */
import { type CallEvent, type CallState, foldCallEvent } from '@communication-center/contracts';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { CommunicationCenter } from './communication-center.js';
import { dialedFrame, eventFrame, StandInCenter } from './stand-in-center.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

type Told = [type: string, data?: object];
const invited: Told = [
  'call.participant_invited',
  { userAlias: 'bob', initiator: 'alice', invitedBy: null, callType: 'audio_video', ringSeconds: 60 },
];
const aliceHangsUp: Told[] = [
  ['call.hung_up', { userAlias: 'alice', deviceId: 'alice-phone', reason: 'hung_up' }],
  ['call.ended', { reason: 'hung_up', talkSeconds: 5 }],
];
const rings: Told = ['call.ringing', { userAlias: 'bob', deviceId: 'bob-desk' }];
const answers: Told = ['call.answered', { userAlias: 'bob', deviceId: 'bob-phone' }];

/** What happens in calls that bob has a part in, told to his phone. */
const stories: Record<string, Told[]> = {
  'answered here': [['call.dialed'], rings, answers, ...aliceHangsUp],
  'answered on another device': [['call.dialed'], rings, ['call.answered', { userAlias: 'bob', deviceId: 'bob-desk' }], ...aliceHangsUp],
  missed: [
    ['call.dialed'],
    rings,
    ['call.missed', { userAlias: 'bob', initiator: 'alice', reason: 'no_answer' }],
    ['call.ended', { reason: 'no_answer', talkSeconds: 0 }],
  ],
  'of many, with three rings for bob': [
    ['call.dialed', { callees: ['bob', 'carol'] }],
    ['call.declined', { userAlias: 'bob', deviceId: 'bob-desk', reason: 'none' }],
    ['call.answered', { userAlias: 'carol', deviceId: 'carol-phone' }],
    invited,
    answers,
    ['call.kicked', { userAlias: 'bob', by: 'alice' }],
    invited,
    ['call.missed', { userAlias: 'bob', initiator: 'alice', reason: 'no_answer' }],
    ...aliceHangsUp,
  ],
};

/** @returns each event as a frame, and the Center's state after it. */
function lifeOf(story: Told[]): { frame: object; state: CallState }[] {
  let state: CallState | undefined;
  return story.map(([type, data], index) => {
    const time = new Date(Date.UTC(2026, 0, 1) + index * 1000).toISOString();
    const dialed = dialedFrame(data) as { event: CallEvent };
    const frame = type === 'call.dialed' ? { ...dialed, event: { ...dialed.event, time } } : eventFrame(type, index + 1, data, { time });
    state = foldCallEvent(state, (frame as { event: CallEvent }).event);
    return { frame, state };
  });
}

const ringOf = ({ participants }: CallState) => participants.find(({ userAlias }) => userAlias === 'bob');
const ringsIn = (life: { state: CallState }[]) =>
  new Set(life.flatMap(({ state }) => (ringOf(state)?.state === 'ringing' ? [(ringOf(state) as { since: string }).since] : [])));

type Fate = 'told' | 'twice' | 'late' | 'lost' | 'broken';

/** Lets the story happen, each event with its fate. @returns what bob's phone had of it. */
async function happened(life: ReturnType<typeof lifeOf>, fates: Fate[], pauses: number[]) {
  vi.useFakeTimers();
  const there = new StandInCenter();
  let state: CallState | undefined;
  const answer = async () =>
    state ? { ok: true, status: 200, json: async () => state } : { ok: false, status: 404, json: async () => ({}) };
  vi.stubGlobal('fetch', answer);
  const center = await CommunicationCenter.connect({
    url: 'https://center.example.com',
    appId: 'demo',
    userAlias: 'bob',
    token: 'a token',
    deviceId: 'bob-phone',
    media: false,
    webSocket: there.webSocket,
  });
  const rung: string[] = [];
  const sequences: number[] = [];
  const seen: { state: unknown }[] = [];
  center.on('incomingCall', (call) => rung.push(call.ringId ?? ''));
  center.on('callChanged', (call) => {
    sequences.push(call.state.sequence);
    seen[0] = call;
  });
  const late: object[] = [];
  for (const [index, { frame, state: after }] of life.entries()) {
    state = after;
    there.calls = [after];
    const fate = fates[index % fates.length] ?? 'told';
    if (fate === 'late') late.push(frame);
    else if (fate === 'broken') there.socket.breakOff();
    else if (fate !== 'lost') there.socket.tell(frame);
    if (fate === 'twice') there.socket.tell(frame);
    await vi.advanceTimersByTimeAsync(pauses[index % pauses.length] ?? 0);
    if (fate !== 'late') for (const old of late.splice(0)) there.socket.tell(old);
  }
  for (const old of late) there.socket.tell(old);
  there.socket.breakOff();
  await vi.advanceTimersByTimeAsync(30_000);
  center.close();
  return { rung, sequences, last: seen[0]?.state };
}

const pauses = fc.array(fc.constantFrom(0, 0, 300, 3000), { minLength: 1, maxLength: 5 });
const fatesOf = (...fates: Fate[]) => fc.array(fc.constantFrom(...fates), { minLength: 1, maxLength: 11 });

test.each(Object.entries(stories))('a call that is %s ends up as the Center has it, whatever the way', async (_name, story) => {
  const life = lifeOf(story);
  const known = ringsIn(life);
  await fc.assert(
    fc.asyncProperty(fatesOf('told', 'told', 'twice', 'late', 'lost', 'broken'), pauses, async (fates, waits) => {
      const { rung, sequences, last } = await happened(life, fates, waits);
      expect(last).toEqual(life.at(-1)?.state);
      expect(sequences).toEqual([...sequences].sort((one, other) => one - other));
      expect(new Set(rung).size, 'rings told twice').toBe(rung.length);
      expect(rung.filter((ring) => !known.has(ring))).toEqual([]);
    }),
    { numRuns: 40 },
  );
});

test.each(Object.entries(stories))('where nothing is lost, a call that is %s rings each time, in order', async (_name, story) => {
  const life = lifeOf(story);
  await fc.assert(
    fc.asyncProperty(fatesOf('told', 'twice'), pauses, async (fates, waits) => {
      const { rung } = await happened(life, fates, waits);
      expect(rung).toEqual([...ringsIn(life)]);
    }),
    { numRuns: 20 },
  );
});
