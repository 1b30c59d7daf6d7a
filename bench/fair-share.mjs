import { makeApp, onAFleet, percentile } from './on-a-fleet.mjs';
import { overRest, overSockets, Phone } from './price/phone.mjs';

/*
 * npm run bench:fair-share [-- rounds]   what one tenant that goes ten times beyond its limits does to another's calls
 *
 * The quiet app dials ten times a second over sockets; a dial is timed from its frame to the callee's hearing it ring. The heavy one
 * may dial ten times and read twenty times a second, and tries ten times that over REST. Quiet rounds, rounds in which the heavy app keeps
 * to its limits, and rounds in which it goes beyond them alternate in one run, so that they may be compared.
 */
const rounds = Number(process.argv[2] ?? 5);
const roundMs = 15_000;
const quietEveryMs = 100;
const allowed = { dials: 10, reads: 20 };
const limits = {
  dials: { app: { perSecond: allowed.dials, burst: allowed.dials } },
  reads: { app: { perSecond: allowed.reads, burst: allowed.reads } },
};
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

await onAFleet({ replicas: 1 }, async (fleet, ask) => {
  const quiet = await phonesOf(fleet, ask, 'quiet', 20, {});
  const heavy = await phonesOf(fleet, ask, 'heavy', 60, { limits });
  await round(quiet, undefined);
  const loads = { none: undefined, 'within its limits': 1, 'ten times beyond': 10 };
  const times = new Map(Object.keys(loads).map((load) => [load, []]));
  const outcomes = new Map(Object.keys(loads).map((load) => [load, new Map()]));
  for (let number = 0; number < rounds; number += 1) {
    for (const [load, factor] of Object.entries(loads)) {
      const { rung, heard } = await round(quiet, factor && { heavy, factor, url: fleet.url });
      times.get(load).push(...rung);
      for (const [outcome, count] of heard) outcomes.get(load).set(outcome, (outcomes.get(load).get(outcome) ?? 0) + count);
    }
  }
  console.log(`\n  a quiet app's dial to the ring beside a heavy one, ${rounds} rounds of ${roundMs / 1000} s each, in ms`);
  const reference = percentile(times.get('within its limits'), 99);
  for (const [load, rung] of times) {
    const [p50, p99] = [percentile(rung, 50), percentile(rung, 99)];
    const told = [...outcomes.get(load)].map(([outcome, count]) => `${count} ${outcome}`).join(', ');
    console.log(
      `  ${load.padEnd(18)} p50 ${p50.toFixed(1).padStart(6)}   p99 ${p99.toFixed(1).padStart(6)} (${(p99 / reference).toFixed(2)}×)   ${rung.length} dials   ${told}`,
    );
  }
  for (const { phones } of [quiet, heavy]) for (const { socket } of phones) socket.terminate();
});

/** Makes an app with so many phones, in pairs. */
async function phonesOf(fleet, ask, name, count, options) {
  const users = Array.from({ length: count }, (_, index) => `${name}-${index}`);
  const { appId, key } = await makeApp(fleet, ask, { users, options: { mediaSetupSeconds: 0, ...options } });
  const phones = await Promise.all(
    users.map(async (userAlias) => {
      const { token } = (await ask('POST', '/v1/user-tokens', key, { userAlias })).body;
      return Phone.open(fleet.url, { appId, userAlias, token, deviceId: 'd' });
    }),
  );
  await pause(20);
  return { phones, key, pairs: Array.from({ length: count / 2 }, (_, index) => [phones[2 * index], phones[2 * index + 1]]) };
}

async function round(quiet, load) {
  const until = Date.now() + roundMs;
  const heard = new Map();
  const note = (outcome) => heard.set(outcome, (heard.get(outcome) ?? 0) + 1);
  const [rung] = await Promise.all([dialQuietly(quiet, until), load && loadHeavily(load, until, note)]);
  await pause(500);
  return { rung, heard };
}

/** @returns after how many milliseconds each dial rang. */
async function dialQuietly({ pairs }, until) {
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

/** Tries to dial and read so many times as often as it may; those calls that are made it hangs up. */
async function loadHeavily({ heavy: { pairs, key }, factor, url }, until, note) {
  const rest = overRest(url, () => key);
  const tried = [];
  const codeOf = (error) => /"code":"(\w+)"/.exec(error.message)?.[1] ?? error.message;
  const dial = async (number) => {
    const [caller, callee] = pairs[number % pairs.length];
    const { callId } = await rest.dial(caller, [callee.alias]);
    note('dialed');
    await rest.act(caller, 'hang_up', callId);
  };
  const read = async () => {
    const { status } = await fetch(new URL('/v1/calls?limit=200', url), { headers: { authorization: `Bearer ${key}` } });
    note(status === 200 ? 'read' : `${status} to a read`);
  };
  const paced = async (perSecond, act) => {
    const began = Date.now();
    for (let number = 0; Date.now() < until; number += 1) {
      tried.push(act(number).catch((error) => note(codeOf(error))));
      await pause(Math.max(0, began + ((number + 1) * 1000) / perSecond - Date.now()));
    }
  };
  await Promise.all([paced(allowed.dials * factor, dial), paced(allowed.reads * factor, read)]);
  await Promise.all(tried);
}
