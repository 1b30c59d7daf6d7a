/*
 * A crowd that comes while its gateway's follower of the log rests misses no ring: each device has it by its snapshot, or is told of it.
 */
import { eventually, Fleet, holds } from '@communication-center/testing';
import { afterAll, expect, test } from 'vitest';
import { Crowd } from './crowd.js';

const count = Number(process.env.CROWD ?? 400);
const devicesPerUser = 10;
const rings = 40;
const patience = 30_000 + 60 * count;
const fleet = new Fleet();
let crowd: Crowd | undefined;

afterAll(() => crowd?.vanish());

// For npm run check:long alone: in npm test nothing comes in a crowd while somebody is rung.
test.skipIf(process.env.CROWD === undefined)(
  'people who are rung while their devices come in a crowd are rung on all of them',
  async () => {
    const app = await fleet.makeApp({ options: { mediaSetupSeconds: 0, ringSeconds: 120 } });
    // Everywhere in the row of those that come.
    const users = count / devicesPerUser;
    const rung = Array.from(
      { length: Math.min(rings, users) },
      (_, index) => `comes-${Math.floor((index * users) / Math.min(rings, users))}`,
    );
    for (const userAlias of [...rung, ...rung.map((one) => `calls-${one}`)]) await fleet.makeUser(app, userAlias);
    const opened = async () => (await fleet.figuresOf('gateway')).get('open_sockets') ?? -1;
    await eventually('nobody being connected', async () => (await opened()) === 0);
    await holds('nobody being connected, so that the follower rests', async () => (await opened()) === 0, 3000);
    const tokens = await Promise.all(rung.map((one) => fleet.tokenOf(app, `calls-${one}`)));
    const coming = Crowd.open(fleet.url, app, { prefix: 'comes', count, devicesPerUser });
    for (const [index, userAlias] of rung.entries()) {
      const { status } = await fleet.rest('POST', '/v1/calls', tokens[index], { deviceId: 'd', callees: [userAlias] });
      expect(status).toBe(201);
    }
    crowd = await coming;
    const missing = async () => {
      const known = (await crowd?.report())?.rung ?? {};
      return rung.filter((userAlias) => known[userAlias] !== devicesPerUser).map((one) => `${one}: ${known[one] ?? 0}`);
    };
    await eventually('every device knowing of its ring', async () => (await missing()).length === 0, 15_000).catch(async () =>
      expect(await missing()).toEqual([]),
    );
  },
  3 * patience,
);
