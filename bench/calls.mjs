import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { dataFolders, openInstance } from '../tools/launcher/instance.mjs';
import { serviceNames } from '../tools/launcher/registry.mjs';
import { addGateways, makeApp, onAFleet } from './on-a-fleet.mjs';
import { Counters, countingDatabase, difference, prepareCounting } from './price/counters.mjs';
import { writeDocs } from './price/docs.mjs';
import { Helper } from './price/helper.mjs';
import { asText, digits, figuresOf, percentile, rowsOf, statementsAsText } from './price/report.mjs';

/*
 * npm run bench:calls                       what a call costs: time, processor time, statements, commits and requests to Kafka
 *
 *   --rate 2,5,10,20,half   open loops at so many calls a second; `half` is half of what the closed loop did
 *   --pairs 40              how many pairs call each other at the same time in the closed loop, and at most in open ones
 *   --apps 1                over how many apps they are spread
 *   --seconds 20            how long each load is measured, after --ramp 4 seconds of it; twice as long below 5 a second
 *   --over sockets,rest     how the closed loop gives its commands
 *   --replicas 1            how many of each service; every socket is at the first gateway
 *   --gateways 1            how many gateways: those beyond the replicas have no socket, and only read what the others do,
 *   --spread                unless the people of the calls are spread over them
 *   --finished 50000        goes on until so many calls are over, and compares the closed loop with its first
 *   --sockets 2000          how many devices, of all the people of an app, connect when that is measured
 *   --at-once 200           so many at a time
 *   --quick                 one closed loop and 10 calls a second, 10 seconds each
 *   --statements            lists the statements most often made, of --statements-at 20 calls a second
 *   --write                 replaces the table and the picture of docs/performance.md
 *   --out FILE              where the figures go as JSON besides .run/bench
 *
 * docs/performance.md, "The price of a call", says what the figures mean.
 */
const { values: given } = parseArgs({
  options: {
    rate: { type: 'string' },
    pairs: { type: 'string', default: '40' },
    apps: { type: 'string', default: '1' },
    seconds: { type: 'string' },
    ramp: { type: 'string', default: '4' },
    over: { type: 'string' },
    replicas: { type: 'string', default: '1' },
    gateways: { type: 'string', default: '0' },
    spread: { type: 'boolean', default: false },
    finished: { type: 'string', default: '0' },
    sockets: { type: 'string', default: '2000' },
    'at-once': { type: 'string', default: '200' },
    quick: { type: 'boolean', default: false },
    statements: { type: 'boolean', default: false },
    'statements-at': { type: 'string', default: '20' },
    write: { type: 'boolean', default: false },
    out: { type: 'string' },
  },
});
const seconds = Number(given.seconds ?? (given.quick ? 10 : 20));
const rates = (given.rate ?? (given.quick ? '10' : '2,5,10,20,half')).split(',').filter(Boolean);
const ways = (given.over ?? (given.quick ? 'sockets' : 'sockets,rest')).split(',').filter(Boolean);
const pairs = Number(given.pairs);

const instance = openInstance('bench');
// What an earlier run left would be counted, and slow this one down.
for (const folder of dataFolders(instance)) rmSync(folder, { recursive: true, force: true });
const file = (name) => fileURLToPath(new URL(name, import.meta.url));

const options = {
  replicas: Number(given.replicas),
  databaseSettings: countingDatabase,
  overrides: (_, servers) => prepareCounting(servers, serviceNames),
};
await onAFleet(options, async (fleet, ask) => {
  const added = await addGateways(fleet, Number(given.gateways));
  const urls = [fleet.url, ...(given.spread ? added : [])];
  const client = new Helper(file('price/client.mjs'));
  const counters = await Counters.of(fleet, client.pid);
  try {
    const result = await measure({ fleet, urls, ask, client, counters });
    const text = JSON.stringify(result, null, 1);
    mkdirSync(instance.folder, { recursive: true });
    for (const path of [`${instance.folder}/calls.json`, ...(given.out ? [given.out] : [])]) writeFileSync(path, text);
    tell(result);
    if (given.write) writeDocs(result);
  } finally {
    client.end();
    await counters.close();
  }
});

async function measure({ fleet, urls, ask, client, counters }) {
  const apps = await makeApps(fleet, ask);
  await client.ask('connect', { urls, apps });
  const during = (name, work) => measured({ name, client, counters }, work);
  await sleep(15_000);
  const phases = [await during('idle', undefined)];
  const floor = await measureFloor(fleet.servers);
  // The services have yet to be compiled by their runtimes.
  await client.ask('start', {});
  await sleep(given.quick ? 5000 : 10_000);
  await client.ask('stop');
  for (const over of ways) phases.push(await during(`${pairs} pairs over ${over}`, { over }));
  const saturated = phases[1].callsPerSecond;
  for (const rate of rates) {
    const perSecond = rate === 'half' ? saturated / 2 : Number(rate);
    phases.push(await during(`${Number(perSecond.toFixed(1))}/s${rate === 'half' ? ' (half)' : ''}`, { rate: perSecond }));
  }
  const later = Number(given.finished) > 0 ? [await afterMany(client, during)] : [];
  return {
    at: new Date().toISOString(),
    machine: `${cpus().length} cores (${cpus()[0].model.trim()})`,
    pairs,
    floor,
    phases: [...phases, ...later],
    ...(await connectMany(client, counters, apps[0])),
  };
}

/** Puts a load on the fleet, waits until it is under way, and measures it then: what a call costs while more are made. */
async function measured({ name, client, counters }, load) {
  if (load) await client.ask('start', load);
  if (load) await sleep(Number(given.ramp) * 1000);
  // What counting itself takes is outside; statements and requests are counted over some hundredths of a second more than calls.
  const countsBefore = await counters.counts();
  const before = { ...countsBefore, ...counters.time() };
  await client.ask('mark');
  await sleep(seconds * 1000 * (load?.rate < 5 ? 2 : 1));
  const after = counters.time();
  const { presence, ...taken } = await client.ask('take');
  taken.samples.presence = await counters.afterCommits(presence);
  const used = difference(before, { ...(await counters.counts()), ...after });
  await client.ask('stop');
  const figures = figuresOf({ name, used, load: load && taken });
  console.log(`  ${name}: ${digits(figures.callsPerSecond)} calls/s, CPU ${digits(figures.cpuMsAll.perSecond / 10)} % of a core`);
  await sleep(2000);
  return figures;
}

async function measureFloor(servers) {
  const floor = new Helper(file('price/floor.mjs'));
  try {
    const { oneHop, twoHops } = await floor.ask('measure', { servers, count: given.quick ? 100 : 200, rate: 20 });
    const both = (times) => ({ p50: percentile(times, 50), p99: percentile(times, 99) });
    return { oneHop: both(oneHop), twoHops: both(twoHops) };
  } finally {
    floor.end();
  }
}

async function afterMany(client, during) {
  const wanted = Number(given.finished);
  await client.ask('start', {});
  for (let finished = 0; finished < wanted; ) {
    await client.ask('mark');
    await sleep(10_000);
    finished += (await client.ask('take')).finished;
    console.log(`  ${finished} of ${wanted} calls are over`);
  }
  await client.ask('stop');
  return during(`${pairs} pairs after ${wanted}`, {});
}

/** @returns how many devices a second were connected and served, what one took of each process, in CPU-ms, and the dearest statements. */
async function connectMany(client, counters, app) {
  const wanted = Number(given.sockets);
  const before = { ...(await counters.counts()), ...counters.time() };
  const seconds = await client.ask('gather', {
    appId: app.appId,
    tokens: Object.fromEntries(app.crowd.map((user) => [user, app.tokens[user]])),
    wanted,
    atOnce: Number(given['at-once']),
  });
  const after = counters.time();
  const { cpu, statements } = difference(before, { ...(await counters.counts()), ...after });
  const dearest = statements.toSorted((one, other) => other.ms - one.ms).slice(0, 8);
  return {
    socketsPerSecond: wanted / seconds,
    cpuMsASocket: Object.fromEntries(Object.entries(cpu).map(([name, used]) => [name, (used * 1000) / wanted])),
    statementsASocket: dearest.map(({ role, text, calls, ms }) => ({ role, text, calls: calls / wanted, ms: ms / wanted })),
  };
}

async function makeApps(fleet, ask) {
  const count = Number(given.apps);
  const apps = [];
  for (let number = 0; number < count; number += 1) {
    const own = Array.from({ length: Math.ceil((pairs - number) / count) }, (_, index) => [`caller-${index}`, `callee-${index}`]);
    const watcher = 'watcher';
    // Who connects in a crowd has not just had dozens of calls, which he would be told of.
    const crowd = Array.from({ length: 50 }, (_, index) => `in-crowd-${index}`);
    const users = [...own.flat(), watcher, ...(number === 0 ? crowd : [])];
    const { appId, key } = await makeApp(fleet, ask, { users });
    const tokens = {};
    for (const userAlias of users) tokens[userAlias] = (await ask('POST', '/v1/user-tokens', key, { userAlias })).body.token;
    apps.push({ appId, key, pairs: own, watcher, crowd, tokens });
  }
  return apps;
}

function tell(result) {
  const { floor, phases } = result;
  console.log(`\n${asText(rowsOf(result))}\n`);
  console.log(
    `  the floor of this run, p50 / p99: one hop ${digits(floor.oneHop.p50)} / ${digits(floor.oneHop.p99)} ms, two hops ${digits(floor.twoHops.p50)} / ${digits(floor.twoHops.p99)} ms`,
  );
  const { socketsPerSecond, cpuMsASocket } = result;
  const connecting = Object.entries(cpuMsASocket).flatMap(([name, ms]) => (ms >= 0.01 ? [`${name} ${digits(ms)}`] : []));
  console.log(`  sockets connected and served: ${digits(socketsPerSecond)} a second; CPU-ms each: ${connecting.join(', ')}`);
  console.log(`  an idle fleet takes ${digits(phases[0].cpuMsAll.perSecond / 10)} % of a core`);
  const reasons = phases.flatMap(({ name, refused }) =>
    Object.entries(refused).map(([why, count]) => `  ${name}: ${count} calls failed: ${why}`),
  );
  if (reasons.length > 0) console.log(reasons.join('\n'));
  if (!given.statements) return;
  for (const { role, text, calls, ms } of result.statementsASocket)
    console.log(`  a socket: ${digits(calls)} times, ${digits(ms)} ms: ${role}: ${text.replace(/\s+/g, ' ').slice(0, 150)}`);
  const phase = phases.find(({ name }) => name.startsWith(`${given['statements-at']}/s`)) ?? phases.at(-1);
  console.log(`\n${statementsAsText(phase)}`);
}

function sleep(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
