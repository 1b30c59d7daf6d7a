import { randomUUID } from 'node:crypto';
import { JanusLine } from './janus-line.mjs';
import { MediaDoor } from './media-door.mjs';

/** A door that was at rest has heard of everything after so long. */
const caughtUpMs = 3000;

/**
 * How soon a call has a room: at a media door at which somebody is, from `join` to `joined` of the first device, which is when the room is made, and of the
 * second; at one where nobody was, of the first; and at a bare Janus, to which somebody has a session, with the same requests: attach, create, join.
 * @param {{people: object, janus: {url: string, secret: string}, count: number}} options
 * @returns {Promise<Record<'first' | 'second' | 'atRest' | 'bare', number[]>>} in milliseconds.
 */
export async function roomTimes({ people, janus, count }) {
  const line = await JanusLine.open(janus.url, janus.secret);
  const session = (await line.ask({ janus: 'create' })).data.id;
  const times = { first: [], second: [], bare: [], atRest: [] };
  // What comes first is compiled then.
  const warm = 10;
  for (let number = 0; number < warm; number += 1) await callOf(people, number);
  // Nobody is in: the door has to ask what it has not heard.
  for (let number = 0; number < count / 5; number += 1) times.atRest.push((await callOf(people, warm + number)).first);
  const { doors, callId } = await joined(people, 0);
  await new Promise((resolve) => setTimeout(resolve, caughtUpMs));
  for (let number = 1; number <= count; number += 1) {
    times.bare.push(await bareRoom(line, session, janus.secret));
    const { first, second } = await callOf(people, number);
    times.first.push(first);
    times.second.push(second);
  }
  for (const door of doors) door.close();
  await people.hangUp(callId, 0, 2);
  await line.ask({ janus: 'destroy', session_id: session });
  line.close();
  return times;
}

/** A call from its dial to its end. @returns how long each of its two devices took from `join` to `joined`. */
async function callOf(people, number) {
  const { callId, doors, times } = await joined(people, number);
  for (const door of doors) door.close();
  await people.hangUp(callId, number, 2);
  return { first: times[0], second: times[1] };
}

async function joined(people, number) {
  const { callId, credentials } = await people.call(number, 2);
  const doors = [];
  const times = [];
  for (const one of credentials) {
    const door = await MediaDoor.open(one.url);
    const began = performance.now();
    door.send({ type: 'join', token: one.token });
    await door.next('joined');
    times.push(performance.now() - began);
    doors.push(door);
  }
  return { callId, doors, times };
}

async function bareRoom(line, session, secret) {
  const room = randomUUID();
  const began = performance.now();
  const { data: handle } = await line.ask({ janus: 'attach', session_id: session, plugin: 'janus.plugin.videoroom' });
  const say = (body) => line.ask({ janus: 'message', session_id: session, handle_id: handle.id, body });
  await say({ request: 'create', room, secret, pin: secret, admin_key: secret, is_private: true, permanent: false, publishers: 8 });
  await say({ request: 'join', ptype: 'publisher', room, pin: secret, display: 'somebody' });
  const took = performance.now() - began;
  await say({ request: 'destroy', room, secret });
  await line.ask({ janus: 'detach', session_id: session, handle_id: handle.id });
  return took;
}
