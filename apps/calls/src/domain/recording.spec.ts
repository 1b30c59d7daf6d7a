/*
 * A call is recorded because its initiator, a server or its app wants it so, never before it is connected, and no longer than it lasts;
 * everybody in it is told of each beginning, pause and end.
 */
import type { RecordingId, UserAlias } from '@communication-center/contracts';
import { describe, expect, test } from 'vitest';
import type { Command } from './commands.js';
import { decide } from './decide.js';
import { alice, at, bob, callId, carol, deviceOf, linesOf, rejectionOf, Story } from './story.fixture.js';

const recordingId = '01a212f5-72f3-745f-9835-9b692595a86a' as RecordingId;
const other = '01a212f5-72f3-745f-9835-9b692595a86b' as RecordingId;
const start = (by: UserAlias | null = alice, usersMayRecord = true, id = recordingId): Command => ({
  ...{ type: 'StartRecording', callId, by, recordingId: id, usersMayRecord },
});
const pause = (by: UserAlias | null = alice): Command => ({ type: 'PauseRecording', callId, by });
const resume = (by: UserAlias | null = alice): Command => ({ type: 'ResumeRecording', callId, by });
const stop = (by: UserAlias | null = alice): Command => ({ type: 'StopRecording', callId, by });
const fail = (id = recordingId): Command => ({ type: 'FailRecording', callId, recordingId: id });
const talking = () => new Story().dial({ callees: [bob] }).answer(bob, 1);
const factsOf = (story: Story, command: Command) => decide(command, story.call, linesOf(), at(9)).facts ?? [];

describe('a recording that somebody starts', () => {
  test('is in the state that everybody reads, and told with whom it was started by', () => {
    const story = talking().on(start(), 5);
    expect(story.call?.recording).toEqual({ recordingId, by: alice, since: at(5).toISOString(), paused: false });
    expect(factsOf(talking(), start(null, false))).toMatchObject([
      { type: 'call.recording_started', data: { recordingId, by: null, audience: [alice, bob] } },
    ]);
  });

  test('is paused, goes on and ends once each, however often that is asked', () => {
    const story = talking().on(start(), 5).on(pause(), 6).on(pause(), 7);
    expect(story.call?.recording?.paused).toBe(true);
    story
      .on(resume(), 8)
      .on(resume(), 9)
      .on(start(alice, true, other), 10)
      .on(stop(), 11)
      .on(stop(), 12)
      .on(pause(), 13);
    expect(story.types.filter((type) => type.startsWith('call.recording'))).toEqual(
      ['started', 'paused', 'resumed', 'stopped'].map((what) => `call.recording_${what}`),
    );
    expect(story.call?.recording).toBeUndefined();
  });

  test('is for the initiator, while in the call, where the app lets users, and for servers', () => {
    expect(rejectionOf(start(bob), talking().call)).toBe('forbidden');
    expect(rejectionOf(start(alice, false), talking().call)).toBe('forbidden');
    expect(rejectionOf(start(carol), talking().call)).toBe('not_a_participant');
    for (const command of [pause(bob), resume(bob), stop(bob)]) {
      expect(rejectionOf(command, talking().on(start(), 5).call)).toBe('forbidden');
    }
  });

  test('begins not before somebody answered, nor after the end, nor without end', () => {
    const ringing = new Story().dial({ callees: [bob] });
    expect(rejectionOf(start(null), ringing.call)).toBe('forbidden');
    const story = talking();
    for (let second = 5; second < 25; second += 1) story.on(start(), second).on(stop(), second);
    expect(rejectionOf(start(), story.call)).toBe('forbidden');
    story.on({ type: 'HangUp', callId, userAlias: bob, deviceId: deviceOf(bob) }, 31);
    expect(rejectionOf(start(), story.call)).toBe('already_ended');
  });

  test('that failed is shown no longer; a word of another one, or a late one, changes nothing', () => {
    const story = talking().on(start(), 5);
    expect(factsOf(story, fail(other))).toEqual([]);
    expect(factsOf(story, fail())).toMatchObject([{ type: 'call.recording_stopped', data: { reason: 'failed', by: null } }]);
    expect(factsOf(story.on(fail(), 6), fail())).toEqual([]);
  });
});

describe('a recording that was asked for with the dial', () => {
  const dialed = () => new Story().dial({ callees: [bob, carol], recordingId });

  test('begins with the first answer, and with no other', () => {
    const story = dialed();
    expect(story.call).toMatchObject({ recordsFromAnswer: recordingId });
    expect(story.call?.recording).toBeUndefined();
    story.answer(bob, 1).answer(carol, 2);
    expect(story.types.filter((type) => type === 'call.recording_started')).toHaveLength(1);
    expect(story.call?.recording).toMatchObject({ recordingId, by: null });
    expect(story.call).not.toHaveProperty('recordsFromAnswer');
  });

  test('never begins where nobody answers, and ends with the call', () => {
    const missed = dialed().on({ type: 'EndCall', callId }, 5);
    expect(missed.call).not.toHaveProperty('recordsFromAnswer');
    const story = dialed().answer(bob, 1).on({ type: 'EndCall', callId }, 5);
    expect(story.call?.recording).toBeUndefined();
    expect(story.types.slice(-2)).toEqual(['call.recording_stopped', 'call.ended']);
    expect(missed.types).not.toContain('call.recording_stopped');
  });
});
