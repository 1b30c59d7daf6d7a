/*
 * A crowd that leaves, by itself or with its gateway, harms nobody else: no socket of the others is closed, none waits long, no
 * gateway that lives is taken for dead, and whoever left is offline soon.
 */
import type { PresenceList } from '@communication-center/contracts';
import { endOf, eventually, Fleet, holds, type Phone, Phones, RawSocket, type TestApp } from '@communication-center/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Crowd } from './crowd.js';

/** How many leave; the others are two fifths of it. */
const leaving = Number(process.env.CROWD ?? 200);
const staying = (leaving * 2) / 5;
/** As the tests set it. */
const leaseMs = 3000;
const patience = 30_000 + 60 * leaving;

const fleet = new Fleet();
const phones = new Phones(fleet);
const crowds: Crowd[] = [];
let app: TestApp;
let others: Crowd;
let alice: Phone;
let bob: Phone;

beforeAll(async () => {
  app = await fleet.makeApp({ options: { mediaSetupSeconds: 0 } });
  if (process.env.CROWD === undefined) return;
  others = await gather('stays', staying, fleet.url);
  others.ping();
  [alice, bob] = await Promise.all([phones.connect(app, 'alice'), phones.connect(app, 'bob')]);
}, patience);

afterAll(async () => {
  phones.closeAll();
  for (const crowd of crowds) await crowd.vanish();
});

async function gather(prefix: string, count: number, url: string): Promise<Crowd> {
  const crowd = await Crowd.open(url, app, { prefix, count });
  crowds.push(crowd);
  return crowd;
}

async function sessionsOf(prefix: string): Promise<number> {
  const text = "SELECT count(*)::int AS count FROM sessions WHERE app_id = $1 AND about->>'userAlias' LIKE $2 || '-%'";
  return (await fleet.query<{ count: number }>('gateway', text, [app.appId, prefix]))[0]?.count ?? -1;
}

async function online(prefix: string): Promise<number> {
  let count = 0;
  for (let cursor: string | null = ''; cursor !== null; ) {
    const path: string = `/v1/presence?status=online&limit=500${cursor && `&cursor=${encodeURIComponent(cursor)}`}`;
    const page: PresenceList = (await fleet.rest<PresenceList>('GET', path, app.key)).body;
    count += page.presences.filter(({ userAlias }) => userAlias.startsWith(`${prefix}-`)).length;
    cursor = page.nextCursor;
  }
  return count;
}

/** @returns how long it takes from dialing to the callee's hearing of it, in milliseconds. */
async function ringTime(): Promise<number> {
  const from = performance.now();
  const heard = new Promise<number>((resolve) => bob.center.once('incomingCall', () => resolve(performance.now() - from)));
  const call = await alice.center.call(['bob']);
  const took = await heard;
  await call.hangUp();
  await endOf(call);
  return took;
}

/** Does something again and again until it is told to stop. @param pauseMs between two: who dials must keep within a socket's frames a second. */
function meanwhile<T>(act: () => Promise<T>, pauseMs = 20): () => Promise<T[]> {
  const results: T[] = [];
  let over = false;
  const acting = (async () => {
    while (!over) {
      results.push(await act());
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  })();
  return async () => {
    over = true;
    await acting;
    return results;
  };
}

interface Process {
  id: string;
  left: number;
}
/** The gateways on record, and for how long the lease of each is good. */
const gateways = () =>
  fleet.query<Process>(
    'gateway',
    `SELECT process_id::text AS id, (extract(epoch FROM expires_at - clock_timestamp()) * 1000)::float8 AS left
     FROM processes WHERE expires_at > '-infinity'`,
  );
/** @returns for how long the lease of a gateway was good at least. */
const leastOf = (seen: Process[][], id: string) => Math.min(...seen.map((one) => one.find((gateway) => gateway.id === id)?.left ?? 0));

const percentile = (numbers: number[], percent: number) => {
  const sorted = numbers.toSorted((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * percent) / 100))] ?? 0;
};

async function expectUnharmed(pongsBefore: number[], ringsBefore: number[], rings: number[]): Promise<void> {
  const { open, closed, pongs } = await others.report();
  const ratios = [
    `a ring ${(percentile(rings, 50) / percentile(ringsBefore, 50)).toFixed(1)} times`,
    `the longest ring ${(Math.max(...rings) / Math.max(...ringsBefore)).toFixed(1)} times`,
    `the answer to a ping (p99) ${(percentile(pongs, 99) / percentile(pongsBefore, 99)).toFixed(1)} times`,
  ];
  console.log(
    `${leaving} gone, ${open} others: ${ratios.join(', ')} as long as before; the longest ring ${Math.max(...rings).toFixed(0)} ms`,
  );
  expect([open, closed, await sessionsOf('stays')]).toEqual([staying, [], staying]);
  expect(rings.length).toBeGreaterThan(0);
  expect(pongs.length).toBeGreaterThan(0);
  expect(Math.max(...rings), 'a ring').toBeLessThan(Math.max(2500, 20 * percentile(ringsBefore, 50)));
  expect(Math.max(...pongs), 'a ping').toBeLessThan(2000);
}

async function quietTimes(): Promise<{ pongs: number[]; rings: number[] }> {
  await others.report();
  const rings: number[] = [];
  for (let round = 0; round < 10; round += 1) rings.push(await ringTime());
  return { pongs: (await others.report()).pongs, rings };
}

// Crowds are for npm run check:long; that people of a killed gateway are served by its neighbour e2e/crashes tells in npm test.
test.skipIf(process.env.CROWD === undefined)(
  'a crowd leaves at once: the others notice nothing',
  async () => {
    const crowd = await gather('leaves', leaving, fleet.url);
    await eventually('the crowd being online', async () => (await online('leaves')) === Math.ceil(leaving / 10), patience);
    const quiet = await quietTimes();
    const [before, leases, rings] = [await gateways(), meanwhile(gateways), meanwhile(ringTime, 100)];
    await crowd.vanish();
    await eventually('their sessions being closed', async () => (await sessionsOf('leaves')) === 0, 15_000);
    await eventually('their being offline', async () => (await online('leaves')) === 0, patience);
    const [seen, rung] = await Promise.all([leases(), rings()]);
    expect(before.length).toBe(fleet.replicasOf('gateway').length);
    for (const { id } of before) expect(leastOf(seen, id), 'the lease of each gateway').toBeGreaterThan(0);
    await expectUnharmed(quiet.pongs, quiet.rings, rung);
  },
  3 * patience,
);

test.skipIf(process.env.CROWD === undefined)(
  'a crowd is lost with its gateway (-9): the neighbour closes their sessions, renews meanwhile, and serves its own',
  async () => {
    const before = await gateways();
    await gather('lost', leaving, `http://127.0.0.1:${fleet.state.ports['gateway-2']}`);
    await eventually('the crowd being online', async () => (await online('lost')) === Math.ceil(leaving / 10), patience);
    const [doomed] = await fleet.query<{ id: string }>(
      'gateway',
      "SELECT process_id::text AS id FROM sessions WHERE app_id = $1 AND about->>'userAlias' LIKE 'lost-%' LIMIT 1",
      [app.appId],
    );
    const neighbour = before.find(({ id }) => id !== doomed?.id)?.id ?? '';
    const quiet = await quietTimes();
    const [leases, rings] = [meanwhile(gateways), meanwhile(ringTime, 100)];
    await fleet.control('gateway-2', 'stop');
    const killedAt = performance.now();
    await eventually('their sessions being closed', async () => (await sessionsOf('lost')) === 0, 20_000);
    const after = performance.now() - killedAt;
    console.log(`${leaving} sessions of a dead gateway were closed ${after.toFixed(0)} ms after its death; its lease was of ${leaseMs} ms`);
    await eventually('their being offline', async () => (await online('lost')) === 0, patience);
    const [seen, rung] = await Promise.all([leases(), rings()]);
    await fleet.control('gateway-2', 'start');
    await fleet.replicaReady('gateway-2');
    expect(after).toBeLessThan(leaseMs + 4000);
    expect(leastOf(seen, neighbour), 'the lease of the neighbour').toBeGreaterThan(0);
    await expectUnharmed(quiet.pongs, quiet.rings, rung);
  },
  3 * patience,
);

test('a gateway that stood still learns that it was taken for dead before it serves anything', async () => {
  await fleet.makeUser(app, 'carol');
  const socket = await RawSocket.open(fleet, `http://127.0.0.1:${fleet.state.ports['gateway-2']}`);
  socket.send({
    type: 'connect',
    id: 1,
    appId: app.appId,
    userAlias: 'still-1',
    deviceId: 'd',
    token: await fleet.tokenOf(app, 'still-1'),
  });
  await socket.frame('connected');
  await fleet.control('gateway-2', 'freeze');
  await eventually('its sessions being closed', async () => (await sessionsOf('still')) === 0, 20_000);
  // It lies in the socket when the gateway wakes up.
  socket.send({ type: 'dial', id: 2, commandId: crypto.randomUUID(), callees: ['carol'] });
  await fleet.control('gateway-2', 'thaw');
  // Whichever comes first: that it was taken for dead, or that its client has not been heard of for so long.
  expect([4004, 1006]).toContain(await socket.closed());
  const calls = () => fleet.query('calls', "SELECT 1 FROM calls WHERE app_id = $1 AND status <> 'ended'", [app.appId]);
  await holds('nobody being called', async () => (await calls()).length === 0, 1000);
  expect(socket.frames.filter(({ type }) => type === 'reply')).toEqual([]);
  await fleet.replicaReady('gateway-2');
});
