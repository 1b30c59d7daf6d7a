/*
 * A dial waits for a calls service that is away; but not for somebody who took it back or has gone: then nobody rings later.
 */
import { Fleet, holds, Phones, RawSocket } from '@communication-center/testing';
import { afterEach, expect, test } from 'vitest';

const fleet = new Fleet();
const phones = new Phones(fleet);

afterEach(() => phones.closeAll());

test('nobody rings for a dial that was taken back, or whose socket closed, while the calls service was away', async () => {
  const app = await fleet.makeApp();
  const [alice, bob, dave] = [await phones.connect(app, 'alice'), await phones.connect(app, 'bob'), await phones.connect(app, 'dave')];
  await fleet.makeUser(app, 'erin');
  const carol = await RawSocket.open(fleet);
  carol.send({ type: 'connect', id: 1, appId: app.appId, userAlias: 'carol', deviceId: 'd', token: await fleet.tokenOf(app, 'carol') });
  await carol.frame('connected');
  await Promise.all(fleet.replicasOf('calls').map((replica) => fleet.control(replica, 'stop')));

  const giveUp = new AbortController();
  const takenBack = alice.center.call(['bob'], { signal: giveUp.signal }).catch((error: unknown) => (error as { code: string }).code);
  const waiting = dave.center.call(['erin']).catch(() => undefined);
  carol.send({ type: 'dial', id: 2, commandId: crypto.randomUUID(), callees: ['bob'] });
  // Behind the dial on its socket: once it is answered, the dial is under way.
  carol.send({ type: 'ping' });
  await carol.frame('pong');
  carol.close();
  giveUp.abort();
  expect(await takenBack).toBe('dial_cancelled');

  await Promise.all(fleet.replicasOf('calls').map((replica) => fleet.control(replica, 'start')));
  await fleet.ready('calls');
  // Who goes on waiting is served, if the service is back before his patience ends.
  await waiting;
  const others = () =>
    fleet.query('calls', "SELECT 1 FROM calls WHERE app_id = $1 AND NOT participants <@ ARRAY['dave', 'erin']", [app.appId]);
  await holds('nobody else ringing', async () => (await others()).length === 0 && bob.incoming.length === 0, 3000);
}, 90_000);
