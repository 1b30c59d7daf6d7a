/*
 * A call moves to the device from which its user joins: from then on that device is the one in it, whose end ends the part, and the
 * one it was moved from has no more to do with it. How long a lost device is waited for, its app may say.
 */
import { endOf, eventually, Fleet, Phones, ringOf, type TestApp } from '@communication-center/testing';
import { afterEach, beforeAll, expect, test } from 'vitest';

const fleet = new Fleet();
const phones = new Phones(fleet);
let app: TestApp;

beforeAll(async () => {
  app = await fleet.makeApp({ options: { mediaSetupSeconds: 0, connectionGraceSeconds: 5 } });
});
afterEach(() => phones.closeAll());

const deviceOf = (call: { others: { userAlias: string }[] }) => {
  const bob = call.others.find(({ userAlias }) => userAlias === 'bob');
  return bob && 'deviceId' in bob ? bob.deviceId : undefined;
};

test('a join from another device moves the call there, and the lost one of before ends nothing', async () => {
  const alice = await phones.connect(app, 'alice', { deviceId: 'alice-desk' });
  const [desk, mobile] = [
    await phones.connect(app, 'bob', { deviceId: 'bob-desk' }),
    await phones.connect(app, 'bob', { deviceId: 'bob-mobile' }),
  ];
  const call = await alice.center.call(['bob']);
  const answered = await ringOf(desk);
  const [elsewhere] = [await ringOf(mobile)];
  await answered.answer();
  expect(await endOf(elsewhere)).toBe('answered_elsewhere');
  expect(mobile.center.callsElsewhere).toEqual([elsewhere]);
  await elsewhere.join();
  expect(elsewhere.phase).toBe('connected');
  expect(await endOf(answered)).toBe('answered_elsewhere');
  await eventually('alice seeing bob on his mobile', () => deviceOf(call) === 'bob-mobile');
  expect(mobile.center.callsElsewhere).toEqual([]);
  desk.center.close();
  await new Promise((resolve) => setTimeout(resolve, 7000));
  expect([call.phase, elsewhere.phase]).toEqual(['connected', 'connected']);
  mobile.center.close();
  const seconds = await eventually('the grace of the lost device', async () => {
    const of = `SELECT extract(epoch FROM due_at - now())::float8 AS left FROM deadlines WHERE kind = 'connection' AND call_id = $1`;
    return (await fleet.query<{ left: number }>('calls', of, [call.callId]))[0]?.left;
  });
  expect(seconds, 'that of the app, not of the installation').toBeLessThanOrEqual(5);
  expect(await endOf(call, 20_000)).toBe('connection_lost');
});

test('a dial is a call at once, and an unknown callee is named in what it ends with', async () => {
  const alice = await phones.connect(app, 'alice', { deviceId: 'alice-desk' });
  const call = alice.center.dial(['nobody-at-all']);
  expect([call.phase, call.isPlaced, alice.center.activeCalls]).toEqual(['dialing', false, [call]]);
  expect(await endOf(call)).toBe('error');
  expect(call.end?.error).toMatchObject({ code: 'unknown_user', userAliases: ['nobody-at-all'] });
  const bob = await phones.connect(app, 'bob', { deviceId: 'bob-desk' });
  const second = alice.center.dial(['bob']);
  const ring = await ringOf(bob);
  await eventually('the dial being placed', () => second.isPlaced);
  expect([second.callId, alice.center.activeCalls]).toEqual([ring.callId, [second]]);
  const hangingUp = second.hangUp();
  expect([second.phase, alice.center.activeCalls]).toEqual(['ended', []]);
  await hangingUp;
  await second.hangUp();
  expect(await endOf(ring)).toBe('cancelled');
});
