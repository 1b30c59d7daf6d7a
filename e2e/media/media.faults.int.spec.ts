/*
 * Replies wait for no media service, and a media service that has just started, and heard nothing of the calls that are under way, lets
 * in who is in a call, and nobody else.
 */
import { eventually, Fleet } from '@communication-center/testing';
import { afterAll, expect, test } from 'vitest';
import { MediaDevice, People } from './media-device.js';

const fleet = new Fleet();
const allOfMedia = (action: 'freeze' | 'thaw' | 'stop' | 'start') =>
  Promise.all(fleet.replicasOf('media').map((replica) => fleet.control(replica, action)));

afterAll(async () => {
  await allOfMedia('thaw');
  await fleet.ready('media');
});

test('while the media service stands still, who dials and who answers gets credentials at once, and joins when it goes on', async () => {
  const people = new People(fleet, await fleet.makeApp());
  await allOfMedia('freeze');
  const began = performance.now();
  const dialed = await people.dial('alice', ['bob']);
  const answered = await people.act('answer', dialed.callId, 'bob');
  const renewed = await people.act('credentials', dialed.callId, 'alice');
  expect(performance.now() - began).toBeLessThan(4000);
  const replies = [dialed, answered, renewed].map((reply) => People.credentialsIn(reply));
  await allOfMedia('thaw');
  await fleet.ready('media');
  await eventually('all being let in', async () => {
    const outcomes = await Promise.all(replies.map((credentials) => new MediaDevice(credentials).outcome()));
    return outcomes.every((outcome) => outcome === 'joined');
  });
});

test('killed (-9) and started anew, it refuses who left before, and whose call ended before, and lets in who is in', async () => {
  const people = new People(fleet, await fleet.makeApp());
  const running = await people.dial('alice', ['bob', 'carol']);
  const stays = People.credentialsIn(await people.act('answer', running.callId, 'bob'));
  const leaves = People.credentialsIn(await people.act('answer', running.callId, 'carol'));
  const over = await people.dial('dan', ['eve']);
  const ended = People.credentialsIn(over);
  await allOfMedia('stop');
  await people.kick(running.callId, 'carol');
  await people.act('hang-up', over.callId, 'dan');
  await allOfMedia('start');
  await fleet.ready('media');
  const outcomeOf = (credentials: typeof stays) => new MediaDevice(credentials).outcome();
  expect(await outcomeOf(leaves)).toBe('room_closed');
  expect(await outcomeOf(ended)).toBe('room_closed');
  expect(await outcomeOf(stays)).toBe('joined');
  expect(await fleet.query('media', 'SELECT 1 FROM rooms WHERE call_id = $1', [over.callId])).toEqual([]);
});

test('while nobody has a media socket, and it hears of calls late, it refuses who has just been kicked and whose call has just ended', async () => {
  const people = new People(fleet, await fleet.makeApp());
  await allOfMedia('stop');
  await allOfMedia('start');
  await fleet.ready('media');
  const running = await people.dial('alice', ['bob', 'carol']);
  const stays = People.credentialsIn(await people.act('answer', running.callId, 'bob'));
  const leaves = People.credentialsIn(await people.act('answer', running.callId, 'carol'));
  const over = await people.dial('dan', ['eve']);
  // Long enough to be heard, too short for the rest that follows to be over.
  await new Promise((resolve) => setTimeout(resolve, 300));
  await people.kick(running.callId, 'carol');
  await people.act('hang-up', over.callId, 'dan');
  const credentials = [leaves, People.credentialsIn(over), stays];
  const outcomes = await Promise.all(credentials.map((one) => new MediaDevice(one).outcome()));
  expect(outcomes).toEqual(['room_closed', 'room_closed', 'joined']);
});
