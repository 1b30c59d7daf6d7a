import { rmSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { dataFolders, openInstance } from '../tools/launcher/instance.mjs';
import { makeApp, onAFleet } from './on-a-fleet.mjs';
import { Counters, countingDatabase, difference, prepareCounting } from './price/counters.mjs';
import { asMarkdown, writeBetween } from './price/docs.mjs';
import { Helper } from './price/helper.mjs';
import { percentile } from './price/report.mjs';
import { nowMs } from './push/clock.mjs';
import { medianOf, required, requiredOfRates } from './push/required.mjs';

/*
 * npm run bench:notifications       how soon, and how many, pushes are with their provider, and what one costs
 *
 *   --quick    15 seconds a load in place of 20, and 2,000 pushes at once in place of 5,000
 *   --soon     how soon they are alone
 *   --rates    pushes at once alone
 *   --rounds 5 how often the bare library, the service, and the service with a slow provider take turns; 3 with --quick
 *   --write    replaces the table of docs/performance.md
 *
 * Apple and Firebase are the stand-ins of libs/testing, over TLS and in a process of their own; the libraries are those that are shipped.
 * Of each dial one callee has a socket open and rings, the other has none and is pushed to. Then thousands are rung at once, by events in the
 * log, and beside it the bare libraries push as many to the same stand-ins, in rounds: a machine that is slower for a while is so for all three
 * of a round, each round begins with another, and what is told are the medians of all rounds.
 */
const { values: given } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    rates: { type: 'boolean', default: false },
    soon: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    write: { type: 'boolean', default: false },
  },
});
/** Of fewer than some hundreds the one that took longest would be the p99. */
const [seconds, many] = given.quick ? [15, 2000] : [20, 5000];
const rounds = Number(given.rounds ?? (given.quick ? 3 : 5));
/** Pushed at first, so that code is compiled and connections are open; the last of three rounds was half as fast again as the first without more of it. */
const warmUp = 2000;
/** The bare libraries have as many requests under way at a time as the service begins with. */
const atOnce = 96;
const [trios, users, mails, dialsPerSecond] = [40, 1000, 5000, 20];

const instance = openInstance('bench');
for (const folder of dataFolders(instance)) rmSync(folder, { recursive: true, force: true });
const file = (name) => fileURLToPath(new URL(`push/${name}.mjs`, import.meta.url));
const standIns = new Helper(file('stand-ins'));
const places = await standIns.ask('open', { folder: join(instance.folder, 'push') });
const settings = {
  ...{ APNS_HOST: places.apns, APNS_DEVELOPMENT_HOST: places.apns, GOOGLE_HOST: places.fcm, PUSH_CA_FILE: places.ca },
  SMTP_URL: `smtp://127.0.0.1:${places.smtp}`,
};
const options = {
  services: ['gateway', 'directory', 'calls', 'notifications'],
  databaseSettings: countingDatabase,
  overrides: async (_, servers) => {
    const all = await prepareCounting(servers, ['notifications']);
    return { ...all, notifications: { ...all.notifications, ...settings } };
  },
};

await onAFleet(options, async (fleet, ask) => {
  const [dials, bare] = [new Helper(file('dials')), new Helper(file('bare'))];
  const counters = await Counters.of(fleet, standIns.pid);
  try {
    await bare.ask('open', places);
    const people = await makePeople(fleet, ask);
    await dials.ask('open', { servers: fleet.servers });
    await dials.ask('connect', { url: fleet.url, ...people });
    const { pid } = fleet.processes.status().find(({ name }) => name === 'notifications');
    const parts = { standIns, dials, bare, counters, people, pid };
    if (given.rates) {
      const rates = [];
      for (const way of ['apns', 'fcm']) rates.push(...(await ratesOf(parts, way)));
      console.log(`\n${ratesAsText(rates)}\n\n${asMarkdown(requiredOfRates(rates))}`);
      return;
    }
    await timed(parts, 'at first', 3);
    const latencies = [await timed(parts, 'idle', seconds)];
    await standIns.ask('delay', { ms: 100 });
    latencies.push(await timed(parts, 'its provider takes 100 ms', seconds));
    await standIns.ask('delay', { ms: 0 });
    if (given.soon) return;
    await allTold(counters);
    const rates = [];
    for (const way of ['apns', 'fcm']) rates.push(...(await ratesOf(parts, way)));
    const crowd = await crowdOf(parts);
    await dials.ask('flood', { appId: people.mailApp, type: 'call.missed', users: people.mailed, count: mails });
    // Until all of them are written down, and wait.
    await waiting(10_000);
    latencies.push(await timed(parts, `${mails} e-mails are queued`, seconds));
    const { mails: sent, refusals } = await standIns.ask('counted');
    if (refusals.length > 0) throw new Error(`pushes were refused: ${refusals.slice(0, 5).join(', ')}`);
    tell({ latencies, rates, crowd, mailsLeft: mails - sent });
  } finally {
    for (const helper of [dials, bare, standIns]) helper.end();
    await counters.close();
  }
});

/** Resolves when those who missed the calls before have been told: that goes on at a pace of its own, on the same two cores. Waits for a minute at most. */
async function allTold(counters) {
  for (let waited = 0; waited < 60_000 && (await counters.pendingMessages()) > 0; waited += 500) await waiting(500);
}

function waiting(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Makes an app that pushes, with people who have a phone each, every fifth a second one, and one whose people get mail. */
async function makePeople(fleet, ask) {
  const range = (count, name) => Array.from({ length: count }, (_, number) => `${name}-${number}`);
  const trioNames = range(trios, 'trio').map((name) => ({ caller: `${name}-caller`, here: `${name}-here`, away: `${name}-away` }));
  const { appId, key } = await makeApp(fleet, ask, { users: trioNames.flatMap((names) => Object.values(names)), name: 'push' });
  const { apple, account } = places;
  for (const body of [
    { provider: 'apns', ...apple },
    { provider: 'fcm', serviceAccount: account },
  ])
    await expected(ask('PUT', '/v1/push-credentials', key, body), 200);
  const tokens = {};
  for (const { caller, here } of trioNames)
    for (const userAlias of [caller, here]) tokens[userAlias] = (await ask('POST', '/v1/user-tokens', key, { userAlias })).body.token;
  let made = 0;
  const register = async (userAlias, kind, deviceId = 'phone') => {
    made += 1;
    const token = kind === 'fcm' ? `token-of-a-device-${made}` : made.toString(16).padStart(64, '0');
    const target = kind === 'fcm' ? { kind, token } : { kind, token, environment: 'production' };
    await expected(ask('POST', '/v1/push-registrations', key, { userAlias, deviceId, target }), 200);
    return token;
  };
  const devices = { apns: [], fcm: [] };
  for (const [number, { away }] of trioNames.entries()) await register(away, number % 2 ? 'fcm' : 'apns_voip');
  const [apnsUsers, fcmUsers] = [range(users, 'apple'), range(users, 'android')];
  const crowd = range(users, 'crowd');
  const registers = [
    ...apnsUsers.map((user) => async () => devices.apns.push(await register(user, 'apns_voip'))),
    ...fcmUsers.map((user) => async () => devices.fcm.push(await register(user, 'fcm'))),
    ...crowd.flatMap((user, number) => [
      () => register(user, number % 2 ? 'fcm' : 'apns_voip'),
      ...(number % 5 === 0 ? [() => register(user, 'fcm', 'tablet')] : []),
    ]),
  ];
  await Promise.all(
    Array.from({ length: 10 }, async () => {
      for (let next = registers.pop(); next; next = registers.pop()) await next();
    }),
  );
  const mailed = range(mails / 20, 'mailed');
  const { appId: mailApp, key: mailKey } = await makeApp(fleet, ask, { users: [], name: 'mail' });
  for (const user of mailed) await expected(ask('PUT', `/v1/users/${user}`, mailKey, { email: `${user}@example.com` }), 200);
  return { appId, tokens, people: trioNames, users: { apns: apnsUsers, fcm: fcmUsers }, crowd, devices, mailApp, mailed };
}

async function expected(asking, status) {
  const answer = await asking;
  if (answer.status !== status && answer.status !== 201) throw new Error(`answered ${answer.status}: ${JSON.stringify(answer.body)}`);
}

/** Dials at a steady rate. @returns how long ring and push took, by the same dials. */
async function timed({ standIns, dials }, name, forSeconds) {
  await standIns.ask('clear');
  const calls = await dials.ask('dial', { rate: dialsPerSecond, seconds: forSeconds, lastsMs: 1500 });
  await standIns.ask('wait', { count: calls.length });
  const { pushes, twice, late } = await standIns.ask('take');
  const cameAt = new Map(pushes.map(({ callId, at }) => [callId, at]));
  const [rings, pushed] = [calls.map(({ dialed, rang }) => rang - dialed), calls.map(({ callId, dialed }) => cameAt.get(callId) - dialed)];
  const times = (all) => ({ p50: percentile(all, 50), p99: percentile(all, 99) });
  console.log(`  ${name}: ring ${JSON.stringify(times(rings))}, push ${JSON.stringify(times(pushed))}`);
  return { name, ring: times(rings), push: times(pushed), twice, late };
}

/** @returns of each round how many pushes a second a way has: by its bare library, and by the service with its log, also where the provider takes 100 ms. */
async function ratesOf(parts, way) {
  const { standIns } = parts;
  const kinds = {
    bare: (count) => alone(parts, way, count),
    ours: (count) => flooded(parts, way, count),
    slow: async (count) => {
      await standIns.ask('delay', { ms: 100 });
      // Connections that a slow provider needs are there, as all others are, when it is measured.
      await flooded(parts, way, Math.min(1000, count));
      const row = await flooded(parts, way, count);
      await standIns.ask('delay', { ms: 0 });
      return row;
    },
  };
  for (const measure of [kinds.bare, kinds.bare, kinds.ours, kinds.ours, kinds.ours]) await measure(warmUp);
  const rows = [];
  for (let round = 0; round < rounds; round += 1) {
    const order = Object.entries(kinds);
    for (const [kind, measure] of [...order.slice(round % 3), ...order.slice(0, round % 3)]) {
      const row = { way, kind, round, ...(await measure(many)) };
      console.log(`  ${way}, ${kind}: ${row.perSecond.toFixed(0)}/s${row.node ? `, ${row.node.toFixed(2)} CPU-ms` : ''}`);
      rows.push(row);
    }
  }
  return rows;
}

async function alone({ standIns, bare, people }, way, count) {
  await standIns.ask('clear');
  const { from } = await bare.ask('push', { way, tokens: people.devices[way], count, atOnce });
  await standIns.ask('wait', { count });
  const { pushes, twice, late } = await standIns.ask('take');
  return { perSecond: rateOf(pushes, from), twice, late };
}

function rateOf(pushes, from) {
  return (pushes.length * 1000) / (Math.max(...pushes.map(({ at }) => at)) - from);
}

/**
 * Rings so many at once, and waits until all is noted. The service stands still until all of it is in the log, and whoever else reads the
 * log has read it: so it is not measured how fast events are written, nor how fast others read them, on the same cores.
 */
async function flooded({ standIns, dials, counters, people, pid }, way, count) {
  await standIns.ask('clear');
  const counted = await counters.counts();
  process.kill(pid, 'SIGSTOP');
  await dials.ask('flood', { appId: people.appId, type: 'call.dialed', users: people.users[way], count });
  await waiting(1500);
  const before = counters.time();
  const from = nowMs();
  process.kill(pid, 'SIGCONT');
  await standIns.ask('wait', { count });
  const { pushes, twice, late } = await standIns.ask('take');
  // What is noted of the last ones belongs to the price.
  await waiting(300);
  const used = difference({ ...counted, ...before }, { ...(await counters.counts()), ...counters.time() });
  const each = (value) => value / count;
  return {
    perSecond: rateOf(pushes, from),
    ...{ node: each(used.cpu.notifications * 1000), postgres: each(used.cpu.postgres * 1000), client: each(used.cpu.client * 1000) },
    ...{ statements: each(used.statements.reduce((sum, { calls }) => sum + calls, 0)), commits: each(used.commits) },
    ...{ twice, late },
  };
}

/** A thousand calls at once, each to somebody who is away. */
async function crowdOf({ standIns, dials, people }) {
  await standIns.ask('clear');
  const given = await dials.ask('flood', { appId: people.appId, type: 'call.dialed', users: people.crowd, count: users });
  const count = users + users / 5;
  await standIns.ask('wait', { count });
  await waiting(1500);
  const { pushes, twice, late } = await standIns.ask('take');
  const begun = new Map(given.map(({ callId, at }) => [callId, at]));
  const times = pushes.map(({ callId, at }) => at - begun.get(callId));
  return {
    count: pushes.length,
    wanted: count,
    twice,
    late,
    p50: percentile(times, 50),
    p99: percentile(times, 99),
    most: Math.max(...times),
  };
}

function ratesAsText(rates) {
  const names = { bare: 'the bare library', ours: 'this service', slow: 'this service, 100 ms' };
  const figures = ['node', 'postgres', 'client', 'statements', 'commits'];
  const rows = ['apns', 'fcm'].flatMap((way) =>
    Object.entries(names).map(([kind, name]) => {
      const all = rates.filter((one) => one.way === way && one.kind === kind);
      const perSecond = all.map((one) => one.perSecond);
      return [
        `${way === 'apns' ? 'APNs' : 'FCM'}, ${name}`,
        ...[medianOf(perSecond), Math.min(...perSecond), Math.max(...perSecond)].map((value) => value.toFixed(0)),
        ...figures.map((figure) => (kind === 'bare' ? '' : medianOf(all.map((one) => one[figure])).toFixed(2))),
      ];
    }),
  );
  const head = [`${many} pushes at once, median of ${rounds} rounds`, 'pushes/s', 'least', 'most'];
  return asMarkdown([[...head, 'CPU-ms each: notifications', 'PostgreSQL', 'stand-in', 'statements each', 'commits each'], ...rows]);
}

function tell({ latencies, rates, crowd, mailsLeft }) {
  const digits = (value, count = 1) => (value === undefined ? '' : value.toFixed(count));
  const both = ({ p50, p99 }) => `${digits(p50)} / ${digits(p99)}`;
  const soon = asMarkdown([
    [`${dialsPerSecond} dials/s, while`, 'dial → ring, p50 / p99, ms', 'dial → push, p50 / p99, ms'],
    ...latencies.map(({ name, ring, push }) => [name, both(ring), both(push)]),
  ]);
  const judged = asMarkdown([['required', 'got', ''], ...required({ latencies, rates, crowd, mailsLeft })]);
  const where = `Measured ${new Date().toISOString().slice(0, 10)} on ${cpus().length} cores (${cpus()[0].model.trim()}); one replica of each service, all servers, the stand-ins and the client on the same machine.`;
  const text = [where, soon, ratesAsText(rates), judged].join('\n\n');
  console.log(`\n${text}`);
  if (given.write) writeBetween(['<!-- bench:notifications writes from here -->', '<!-- to here -->'], text);
}
