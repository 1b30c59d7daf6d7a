/*
 * A call is broadcast because its initiator or a server wants it so, never before it is connected, and no longer than it lasts; everybody in it
 * is told of each beginning and end.
 */
import type { BroadcastId, UserAlias } from '@communication-center/contracts';
import { describe, expect, test } from 'vitest';
import type { Command } from './commands.js';
import { decide } from './decide.js';
import { alice, at, bob, callId, carol, deviceOf, linesOf, rejectionOf, Story } from './story.fixture.js';

const broadcastId = '01a212f5-72f3-745f-9835-9b692595a87a' as BroadcastId;
const other = '01a212f5-72f3-745f-9835-9b692595a87b' as BroadcastId;
const start = (by: UserAlias | null = alice, usersMayBroadcast = true, id = broadcastId): Command => ({
  ...{ type: 'StartBroadcast', callId, by, broadcastId: id, usersMayBroadcast },
});
const stop = (by: UserAlias | null = alice): Command => ({ type: 'StopBroadcast', callId, by });
const fail = (id = broadcastId): Command => ({ type: 'FailBroadcast', callId, broadcastId: id });
const talking = () => new Story().dial({ callees: [bob] }).answer(bob, 1);
const factsOf = (story: Story, command: Command) => decide(command, story.call, linesOf(), at(9)).facts ?? [];

describe('a broadcast that somebody starts', () => {
  test('is in the state that everybody reads, and told with whom it was started by', () => {
    const story = talking().on(start(), 5);
    expect(story.call?.broadcast).toEqual({ broadcastId, by: alice, since: at(5).toISOString() });
    expect(factsOf(talking(), start(null, false))).toMatchObject([
      { type: 'call.broadcast_started', data: { broadcastId, by: null, audience: [alice, bob] } },
    ]);
  });

  test('begins and ends once, however often that is asked, and may begin again', () => {
    const story = talking()
      .on(start(), 5)
      .on(start(alice, true, other), 6)
      .on(stop(), 7)
      .on(stop(), 8)
      .on(start(alice, true, other), 9);
    expect(story.types.filter((type) => type.startsWith('call.broadcast'))).toEqual(
      ['started', 'stopped', 'started'].map((what) => `call.broadcast_${what}`),
    );
    expect(story.call).toMatchObject({ broadcast: { broadcastId: other }, broadcasts: 2 });
  });

  test('is for the initiator, while in the call, where the app lets users, and for servers', () => {
    expect(rejectionOf(start(bob), talking().call)).toBe('forbidden');
    expect(rejectionOf(start(alice, false), talking().call)).toBe('forbidden');
    expect(rejectionOf(start(carol), talking().call)).toBe('not_a_participant');
    expect(rejectionOf(stop(bob), talking().on(start(), 5).call)).toBe('forbidden');
  });

  test('begins not before somebody answered, nor after the end, nor without end', () => {
    expect(rejectionOf(start(null), new Story().dial({ callees: [bob] }).call)).toBe('forbidden');
    const story = talking();
    for (let second = 5; second < 25; second += 1) story.on(start(), second).on(stop(), second);
    expect(rejectionOf(start(), story.call)).toBe('forbidden');
    story.on({ type: 'HangUp', callId, userAlias: bob, deviceId: deviceOf(bob) }, 31);
    expect(rejectionOf(start(), story.call)).toBe('already_ended');
  });

  test('ends with its call, which is told before the end of the call', () => {
    const story = talking().on(start(), 5).on({ type: 'EndCall', callId }, 6);
    expect(story.types.slice(-2)).toEqual(['call.broadcast_stopped', 'call.ended']);
    expect(story.call?.broadcast).toBeUndefined();
  });

  test('that failed is shown no longer; a word of another one, or a late one, changes nothing', () => {
    const story = talking().on(start(), 5);
    expect(factsOf(story, fail(other))).toEqual([]);
    expect(factsOf(story, fail())).toMatchObject([{ type: 'call.broadcast_stopped', data: { reason: 'failed', by: null } }]);
    expect(factsOf(story.on(fail(), 6), fail())).toEqual([]);
  });
});
