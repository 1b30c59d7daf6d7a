/*
 * A call has a room on a media node when the first device joins it, one for all, and none before: a call that nobody answers, or whose
 * devices never join, leaves nothing with the media service nor with Janus.
 */
import type { CallReply } from '@communication-center/contracts';
import { eventually, Fleet, holds, janusRooms } from '@communication-center/testing';
import { expect, test } from 'vitest';
import { MediaDevice, People } from './media-device.js';

const fleet = new Fleet();
const roomsOf = (callId: string) =>
  fleet.query<{ closed_at: Date | null }>('media', 'SELECT closed_at FROM rooms WHERE call_id = $1', [callId]);

test('two devices that join at once are in one room, which is gone with the call', async () => {
  const people = new People(fleet, await fleet.makeApp());
  const dialed = await people.dial('alice', ['bob']);
  const { callId } = dialed;
  const answered = await people.act('answer', callId, 'bob');
  expect([await roomsOf(callId), (await janusRooms(fleet)).includes(callId)]).toEqual([[], false]);
  const devices = [dialed, answered].map((reply) => new MediaDevice(People.credentialsIn(reply)));
  expect(await Promise.all(devices.map((device) => device.outcome()))).toEqual(['joined', 'joined']);
  const places = devices.map(({ heard: [joined] }) => [joined?.node, joined?.generation, joined?.iceServers]);
  expect(places).toEqual([places[1], [expect.stringMatching(/^janus-[12]$/), 1, []]]);
  // Through two replicas at once each may have made one where it is likely: the one that is elsewhere goes.
  await eventually('one being left', async () => (await janusRooms(fleet)).filter((room) => room === callId).length === 1);
  expect(await roomsOf(callId)).toEqual([{ closed_at: null }]);
  await people.act('hang-up', callId, 'bob');
  const endOf = ({ heard }: MediaDevice) => heard.find(({ type }) => type === 'closed')?.reason;
  await eventually('the end being told', () => devices.every(endOf));
  expect(devices.map(endOf)).toEqual(['call_ended', 'call_left']);
  await eventually('the room being closed', async () => (await roomsOf(callId)).every(({ closed_at }) => closed_at));
  await eventually('the room being destroyed', async () => !(await janusRooms(fleet)).includes(callId));
});

test('a call that nobody answers leaves nothing, and neither does one whose devices never join', async () => {
  const people = new People(fleet, await fleet.makeApp());
  const unanswered = await people.dial('alice', ['bob']);
  await people.act('hang-up', unanswered.callId, 'alice');
  const answered = await people.dial('alice', ['bob']);
  await people.act('answer', answered.callId, 'bob');
  await people.act('hang-up', answered.callId, 'bob');
  const isNothing = async ({ callId }: CallReply) => (await roomsOf(callId)).length === 0 && !(await janusRooms(fleet)).includes(callId);
  await holds('nothing being made', async () => (await isNothing(unanswered)) && isNothing(answered), 1000);
  for (const reply of [unanswered, answered])
    await eventually('nobody being let in', async () => (await new MediaDevice(People.credentialsIn(reply)).outcome()) === 'room_closed');
});
