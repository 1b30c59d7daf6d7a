/*
 * What keeps a call alive is the device in it: its signalling socket, or its media socket; and a device that never gets
 * its media is not in the call for long.
 */
import { type CallReply, mediaSubprotocol } from '@communication-center/contracts';
import { endOf, eventually, Fleet, holds, Phones, ringOf } from '@communication-center/testing';
import { afterEach, expect, test } from 'vitest';

const fleet = new Fleet();
const phones = new Phones(fleet);

afterEach(() => phones.closeAll());

test('a device without a signalling socket stays in the call as long as its media socket lives', async () => {
  const app = await fleet.makeApp();
  await fleet.makeUser(app, 'bob');
  const alice = await phones.connect(app, 'alice');
  const call = await alice.center.call(['bob']);
  const token = await fleet.tokenOf(app, 'bob');
  const answered = await fleet.rest<CallReply>('POST', `/v1/calls/${call.callId}/answer`, token, { deviceId: 'bob-desk' });
  const { url, token: mediaToken } = answered.body.media ?? { url: '', token: '' };
  const media = new WebSocket(url, mediaSubprotocol);
  const frames: { type: string }[] = [];
  media.onopen = () => media.send(JSON.stringify({ type: 'join', token: mediaToken }));
  media.onmessage = ({ data }) => frames.push(JSON.parse(String(data)) as { type: string });
  await eventually('the media socket having joined', () => frames.some(({ type }) => type === 'joined'));
  await holds('the call being up', () => call.phase !== 'ended', 11_000);
  media.close();
  expect(await endOf(call, 20_000)).toBe('connection_lost');
});

test('devices that do not join their media in time are taken out, and told why', async () => {
  const app = await fleet.makeApp({ options: { mediaSetupSeconds: 3 } });
  const [alice, bob] = [await phones.connect(app, 'alice'), await phones.connect(app, 'bob')];
  const call = await alice.center.call(['bob']);
  const ring = await ringOf(bob);
  await ring.answer();
  await holds('the call being up', () => call.phase !== 'ended', 2500);
  expect([await endOf(call), await endOf(ring)]).toEqual(['media_failed', 'media_failed']);
});

test('whoever left a call that goes on is put out of its media, and a token from before lets nobody back in', async () => {
  const app = await fleet.makeApp();
  for (const name of ['bob', 'carol']) await fleet.makeUser(app, name);
  const alice = await phones.connect(app, 'alice');
  const call = await alice.center.call(['bob', 'carol']);
  const answer = async (userAlias: string) =>
    (await fleet.rest<CallReply>('POST', `/v1/calls/${call.callId}/answer`, app.key, { userAlias, deviceId: `${userAlias}-desk` })).body
      .media;
  await answer('bob');
  const given = await answer('carol');
  const join = async () => {
    const socket = new WebSocket(given?.url ?? '', mediaSubprotocol);
    const frames: { type: string; reason?: string; error?: { code: string } }[] = [];
    socket.onopen = () => socket.send(JSON.stringify({ type: 'join', token: given?.token }));
    socket.onmessage = ({ data }) => frames.push(JSON.parse(String(data)) as { type: string });
    return frames;
  };
  const frames = await join();
  await eventually('carol having joined', () => frames.some(({ type }) => type === 'joined'));
  await call.kick('carol');
  await eventually('carol being put out', () => frames.some(({ type, reason }) => type === 'closed' && reason === 'call_left'));
  await eventually('the token being worth nothing', async () => {
    const again = await join();
    await eventually('an answer to the second join', () => again.length > 0);
    return again[0]?.error?.code === 'room_closed';
  });
  expect(call.phase).toBe('connected');
});
