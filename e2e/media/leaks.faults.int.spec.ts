/*
 * Rooms never leak: whatever becomes of calls and of those who carry them, Janus holds no room of theirs afterwards, by its own count.
 * For npm run check:long there are 500 calls, and the media service and Janus are killed (-9) in the middle of them.
 */
import type { CallReply } from '@communication-center/contracts';
import { eventually, Fleet, janusRooms } from '@communication-center/testing';
import { expect, test } from 'vitest';
import { MediaDevice, People } from './media-device.js';

const fleet = new Fleet();
const calls = Number(process.env.MANY_CALLS ?? 10);
const atOnce = 10;
/** With kills, rooms that nobody remembers are found by two sweeps, half a minute apart; and Janus gives up what a killed service held. */
const withKills = process.env.MANY_CALLS !== undefined;
const goneWithinMs = withKills ? 150_000 : 10_000;

/** One call, whose devices join; which of them ends it, or whether they just go, is by its number. */
async function oneCall(people: People, number: number, isMiddle: () => Promise<void>): Promise<CallReply> {
  const [alice, bob] = [`alice-${number}`, `bob-${number}`];
  const dialed = await people.dial(alice, [bob]);
  const answered = await people.act('answer', dialed.callId, bob);
  const devices = [dialed, answered].map((reply) => new MediaDevice(People.credentialsIn(reply)));
  if (number % 3 > 0) await Promise.all(devices.map((device) => device.outcome().catch(() => undefined)));
  await isMiddle();
  if (number % 4 === 1) for (const device of devices) device.close();
  await people.act('hang-up', dialed.callId, number % 2 ? alice : bob);
  for (const device of devices) device.close();
  return dialed;
}

test(`after ${calls} calls, some of them ended half-way, no Janus holds a room of theirs`, { timeout: 900_000 }, async () => {
  const people = new People(fleet, await fleet.makeApp());
  const ids: string[] = [];
  let killed: Promise<unknown> | undefined;
  for (let first = 0; first < calls; first += atOnce) {
    const isMiddle = async () => {
      if (!withKills || first < calls / 2) return;
      killed ??= Promise.all([fleet.control('janus', 'kill'), fleet.killAndAwait('media')]);
      await killed;
    };
    const numbers = Array.from({ length: Math.min(atOnce, calls - first) }, (_, index) => first + index);
    ids.push(...(await Promise.all(numbers.map((number) => oneCall(people, number, isMiddle)))).map(({ callId }) => callId));
  }
  expect(new Set(ids).size).toBe(calls);
  // A device that was let in just before its call ended may still be on its way into the room.
  const left = async () => (await janusRooms(fleet)).filter((room) => ids.includes(room));
  await eventually('no room being left', async () => (await left()).length === 0, goneWithinMs);
  const open = await fleet.query<{ call_id: string }>('media', 'SELECT call_id FROM rooms WHERE call_id = ANY($1::uuid[])', [ids]);
  expect(open.length, 'most of them had one').toBeGreaterThan(calls / 2);
});
