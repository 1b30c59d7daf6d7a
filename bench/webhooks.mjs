import { rmSync } from 'node:fs';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { dataFolders, openInstance } from '../tools/launcher/instance.mjs';
import { makeApp, onAFleet } from './on-a-fleet.mjs';
import { Counters, countingDatabase, difference, prepareCounting, processorTimeOf } from './price/counters.mjs';
import { asMarkdown, writeBetween } from './price/docs.mjs';
import { Helper } from './price/helper.mjs';

/*
 * npm run bench:webhooks                how soon, and how many, deliveries come, and what one costs: from an event in Kafka to its receiver
 *
 *   --quick    100 endpoints in place of 1,000, and 5 seconds a load in place of 20
 *   --write    replaces the table of docs/performance.md
 *
 * Of the services those run that webhooks need; events are written to the log by the client, which is the receiver as well. With one
 * endpoint and with a thousand, alone and beside a hundred that never answer, each of an app of its own; then twenty thousand at once. Beside
 * them the floor: a bare process that does no more than it must for a delivery (`price/webhook-floor.mjs`).
 */
const { values: given } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, write: { type: 'boolean', default: false } },
});
const [seconds, endpoints, hanging, many] = given.quick ? [5, 100, 10, 5000] : [20, 1000, 100, 20_000];

const floorTopic = 'bench.webhooks-floor';

const instance = openInstance('bench');
for (const folder of dataFolders(instance)) rmSync(folder, { recursive: true, force: true });
const options = {
  services: ['gateway', 'directory', 'webhooks'],
  databaseSettings: countingDatabase,
  overrides: (_, servers) => prepareCounting(servers, ['webhooks']),
};

await onAFleet(options, async (fleet, ask) => {
  const client = new Helper(fileURLToPath(new URL('webhook-traffic.mjs', import.meta.url)));
  const counters = await Counters.of(fleet, client.pid);
  const floor = new Helper(fileURLToPath(new URL('price/webhook-floor.mjs', import.meta.url)));
  try {
    const port = await client.ask('open', { servers: fleet.servers });
    const place = (path) => `http://127.0.0.1:${port}/${path}`;
    const healthy = [];
    const make = async (number, path) => {
      const { appId, key } = await makeApp(fleet, ask, { users: [], name: `${path}-${number}` });
      const body = { url: place(`${path}-${number}`), eventTypes: ['call.*'] };
      const { status, body: made } = await ask('POST', '/v1/webhook-endpoints', key, body);
      if (status !== 201) throw new Error(`an endpoint was answered ${status}`);
      return { appId, key, endpointId: made.endpointId, answers: path === 'ok' };
    };
    for (let number = 0; number < endpoints; number += 50)
      healthy.push(...(await Promise.all(Array.from({ length: 50 }, (_, n) => make(number + n, 'ok')))));
    const [first] = healthy;
    await client.ask('send', { apps: healthy, rate: 200, seconds: 5 });
    const rows = [];
    const load = async (name, act, given) => rows.push(await measured({ name, client, counters, act, given }));
    await floor.ask('follow', { servers: fleet.servers, url: place('ok-floor'), topic: floorTopic });
    // What is cold is not measured.
    await client.ask('send', { apps: [first], rate: 200, seconds: 5, topic: floorTopic });
    const bare = async (name) => {
      const given = { apps: [first], rate: 100, seconds, topic: floorTopic };
      const before = processorTimeOf(floor.pid);
      const came = await client.ask('send', given);
      rows.push({ name, ...came, perSecond: 100, node: ((processorTimeOf(floor.pid) - before) * 1000) / came.deliveries });
    };
    await bare('the floor, 100/s');
    for (const rate of [100, 500]) await load(`1 endpoint, ${rate}/s`, 'send', { apps: [first], rate, seconds });
    for (const rate of [100, 500]) await load(`${endpoints} endpoints, ${rate}/s`, 'send', { apps: healthy, rate, seconds });
    await load(`${many} at once, to ${endpoints}`, 'flood', { apps: healthy, count: many });
    const silent = [];
    for (let number = 0; number < hanging; number += 50)
      silent.push(...(await Promise.all(Array.from({ length: Math.min(50, hanging) }, (_, n) => make(number + n, 'hang')))));
    // Of ten events one goes to an endpoint that hangs.
    const mixed = healthy.slice(0, silent.length * 9).flatMap((app, n) => (n % 9 === 0 ? [app, silent[n / 9]] : [app]));
    await client.ask('send', { apps: mixed, rate: 200, seconds: 5 });
    for (const rate of [100, 500]) await load(`beside ${silent.length} that hang, ${rate}/s`, 'send', { apps: mixed, rate, seconds });
    // What a beginning, or a machine, does to the figures is told from what those that hang do by measuring once more without them.
    await Promise.all(silent.map(({ endpointId, key }) => ask('POST', `/v1/webhook-endpoints/${endpointId}/disable`, key, {})));
    await load(`${endpoints} endpoints, 100/s, again`, 'send', { apps: healthy, rate: 100, seconds });
    await bare('the floor, 100/s, again');
    tell(rows);
  } finally {
    floor.end();
    client.end();
    await counters.close();
  }
});

async function measured({ name, client, counters, act, given }) {
  const before = { ...(await counters.counts()), ...counters.time() };
  const came = await client.ask(act, given);
  const after = counters.time();
  const used = difference(before, { ...(await counters.counts()), ...after });
  const each = (value) => value / came.deliveries;
  const statements = used.statements.reduce((sum, { calls }) => sum + calls, 0);
  const row = {
    name,
    ...came,
    perSecond: came.perSecond ?? came.deliveries / used.seconds,
    node: each(used.cpu.webhooks * 1000),
    postgres: each(used.cpu.postgres * 1000),
    statements: each(statements),
    commits: each(used.commits),
  };
  console.log(`  ${name}: ${row.perSecond.toFixed(0)} deliveries/s`);
  await new Promise((resolve) => setTimeout(resolve, 2000));
  return row;
}

function tell(rows) {
  const digits = (value, count = 2) => (value === undefined ? '' : value.toFixed(count));
  const table = asMarkdown([
    ['load', 'deliveries/s', 'p50, ms', 'p99, ms', 'CPU-ms each: webhooks', 'PostgreSQL', 'statements each', 'commits each'],
    ...rows.map(({ name, perSecond, p50, p99, node, postgres, statements, commits }) => [
      name,
      digits(perSecond, 0),
      digits(p50, 1),
      digits(p99, 1),
      ...[node, postgres, statements, commits].map((value) => digits(value)),
    ]),
  ]);
  const where = `Measured ${new Date().toISOString().slice(0, 10)} on ${cpus().length} cores (${cpus()[0].model.trim()}); one replica of each service, all servers and the client on the same machine.`;
  console.log(`\n${where}\n\n${table}`);
  if (given.write) writeBetween(['<!-- bench:webhooks writes from here -->', '<!-- to here -->'], `${where}\n\n${table}`);
}
