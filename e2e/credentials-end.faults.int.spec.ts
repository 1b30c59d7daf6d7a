/*
 * While the directory does not answer, nobody can say whose credentials hold: nobody new is let in, and whoever is in stays. What
 * ended meanwhile is made up for.
 */
import { eventually, Fleet, holds, RawSocket } from '@communication-center/testing';
import { expect, test } from 'vitest';

const fleet = new Fleet();

test('without the directory nobody is let in, whoever is in stays, and sign-ins are taken again when it is back', async () => {
  const app = await fleet.makeApp();
  const [ann, ben] = [await fleet.tokenOf(app, 'ann'), await fleet.tokenOf(app, 'ben')];
  const connect = async (userAlias: string, token: string) => {
    const socket = await RawSocket.open(fleet);
    socket.send({ type: 'connect', id: 'c', appId: app.appId, userAlias, deviceId: 'desk', token });
    return socket;
  };
  const open = await connect('ann', ann);
  await open.frame('connected');
  const directories = fleet.replicasOf('directory');
  try {
    for (const directory of directories) await fleet.control(directory, 'freeze');
    await holds('the open socket staying', () => open.closeCode === undefined, 4000);
    const refused = await connect('ben', ben);
    expect((await refused.frame('error', undefined, 12_000)).error.code).toBe('service_unavailable');
  } finally {
    for (const directory of directories) await fleet.control(directory, 'thaw');
  }
  await fleet.ready('directory');
  await eventually('sign-ins being taken again', async () => {
    const again = await connect('ben', ben);
    await again.frame('connected');
    again.close();
    return true;
  });
  await fleet.rest('POST', '/v1/users/ann/revoke', app.key);
  expect(await open.closed(4000)).toBe(4001);
});
