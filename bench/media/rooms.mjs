import { randomUUID } from 'node:crypto';
import { JanusLine } from './janus-line.mjs';
import { MediaDoor } from './media-door.mjs';

/**
 * How soon a call has a room: at the media door, from `join` to `joined` of the first device, which is when the room is made, and of the
 * second; and at a bare Janus, to which somebody has a session, with the same requests: attach, create, join.
 * @param {{people: object, janus: {url: string, secret: string}, count: number}} options
 * @returns {Promise<{first: number[], second: number[], bare: number[]}>} in milliseconds, each in turn with the others.
 */
export async function roomTimes({ people, janus, count }) {
  const line = await JanusLine.open(janus.url, janus.secret);
  const session = (await line.ask({ janus: 'create' })).data.id;
  const times = { first: [], second: [], bare: [] };
  for (let number = -10; number < count; number += 1) {
    const bare = await bareRoom(line, session, janus.secret);
    const { callId, credentials } = await people.call(number + 10, 2);
    const doors = [];
    const joins = [];
    for (const one of credentials) {
      const door = await MediaDoor.open(one.url);
      const began = performance.now();
      door.send({ type: 'join', token: one.token });
      await door.next('joined');
      joins.push(performance.now() - began);
      doors.push(door);
    }
    for (const door of doors) door.close();
    await people.hangUp(callId, number + 10, 2);
    // What came first was compiled then.
    if (number < 0) continue;
    times.bare.push(bare);
    times.first.push(joins[0]);
    times.second.push(joins[1]);
  }
  await line.ask({ janus: 'destroy', session_id: session });
  line.close();
  return times;
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
