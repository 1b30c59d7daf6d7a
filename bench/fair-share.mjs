import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setPriority } from 'node:os';
import { makeApp, onAFleet, percentile } from './on-a-fleet.mjs';
import { overSockets, Phone } from './price/phone.mjs';

/*
 * npm run bench:fair-share [-- rounds]   what one tenant that goes ten times beyond its limits does to another's calls
 *
 * The quiet app dials ten times a second over sockets; a dial is timed from its frame to the callee's hearing of it. The heavy one may
 * dial five times and read ten times a second, and tries as often, or ten times as often, over REST. Rounds without it, within its
 * limits and beyond them alternate in one run, so that they may be compared. All together they leave half of two cores free: whoever shares a
 * full processor waits for it, however fair the rest is. The heavy one's client, which is elsewhere as a rule, gives way to the fleet.
 */
const rounds = Number(process.argv[2] ?? 8);
const roundMs = 10_000;
const quietEveryMs = 100;
const allowed = { dials: 5, reads: 10 };
const limits = {
  dials: { app: { perSecond: allowed.dials, burst: allowed.dials } },
  reads: { app: { perSecond: allowed.reads, burst: allowed.reads } },
};
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

await onAFleet({ replicas: 1 }, async (fleet, ask) => {
  const quiet = await quietPairs(fleet, ask, 40);
  const heavyUsers = Array.from({ length: 60 }, (_, index) => `heavy-${index}`);
  const { key } = await makeApp(fleet, ask, { users: heavyUsers, options: { mediaSetupSeconds: 0, limits } });
  const tenant = { url: fleet.url, key, pairs: inPairs(heavyUsers) };
  const child = fork(new URL('heavy-tenant.mjs', import.meta.url));
  setPriority(child.pid, 10);
  await round(quiet, child, { ...tenant, factor: 1 });
  const loads = { none: 0, 'within its limits': 1, 'ten times beyond': 10 };
  const times = Object.fromEntries(Object.keys(loads).map((load) => [load, []]));
  const outcomes = Object.fromEntries(Object.keys(loads).map((load) => [load, {}]));
  for (let number = 0; number < rounds; number += 1) {
    for (const [load, factor] of Object.entries(loads)) {
      const { rung, heard } = await round(quiet, child, { ...tenant, factor });
      times[load].push(...rung);
      for (const [outcome, count] of Object.entries(heard)) outcomes[load][outcome] = (outcomes[load][outcome] ?? 0) + count;
    }
  }
  child.kill();
  console.log(`\n  a quiet app's dial to the ring beside a heavy one, ${rounds} rounds of ${roundMs / 1000} s each, in ms`);
  const reference = percentile(times['within its limits'], 99);
  for (const [load, rung] of Object.entries(times)) {
    const [p50, p99] = [percentile(rung, 50), percentile(rung, 99)];
    const told = Object.entries(outcomes[load]).map(([outcome, count]) => `${count} ${outcome}`);
    console.log(
      `  ${load.padEnd(18)} p50 ${p50.toFixed(1).padStart(6)}   p99 ${p99.toFixed(1).padStart(6)} (${(p99 / reference).toFixed(2)}×)   ${rung.length} dials   ${told.join(', ')}`,
    );
  }
  for (const [caller, callee] of quiet) for (const { socket } of [caller, callee]) socket.terminate();
});

function inPairs(all) {
  return Array.from({ length: all.length / 2 }, (_, index) => [all[2 * index], all[2 * index + 1]]);
}

/** Makes the quiet app. @returns its phones, in pairs. */
async function quietPairs(fleet, ask, count) {
  const users = Array.from({ length: count }, (_, index) => `quiet-${index}`);
  const { appId, key } = await makeApp(fleet, ask, { users, options: { mediaSetupSeconds: 0 } });
  const open = async (userAlias) => {
    const { token } = (await ask('POST', '/v1/user-tokens', key, { userAlias })).body;
    return Phone.open(fleet.url, { appId, userAlias, token, deviceId: 'd' });
  };
  return inPairs(await Promise.all(users.map(open)));
}

async function round(quiet, child, { factor, ...tenant }) {
  const until = Date.now() + roundMs;
  const perSecond = { dials: allowed.dials * factor, reads: allowed.reads * factor };
  const said = factor > 0 ? once(child, 'message') : [{}];
  if (factor > 0) child.send({ ...tenant, perSecond, forMs: roundMs });
  const rung = await dialQuietly(quiet, until);
  const [heard] = await said;
  await pause(500);
  return { rung, heard };
}

/** @returns after how many milliseconds each dial rang. */
async function dialQuietly(pairs, until) {
  const rung = [];
  const calls = [];
  for (let number = 0; Date.now() < until; number += 1) {
    const [caller, callee] = pairs[number % pairs.length];
    calls.push(
      (async () => {
        const began = performance.now();
        const ring = callee.hears('call.dialed').then(() => rung.push(performance.now() - began));
        const { result } = await overSockets.dial(caller, [callee.alias]);
        await ring;
        await overSockets.act(caller, 'hang_up', result.callId);
      })(),
    );
    await pause(quietEveryMs);
  }
  await Promise.all(calls);
  return rung;
}
