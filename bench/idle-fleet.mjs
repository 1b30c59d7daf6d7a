import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { serviceNames } from '../tools/launcher/registry.mjs';
import { onAFleet } from './on-a-fleet.mjs';
import { Counters, countingDatabase, difference, prepareCounting } from './price/counters.mjs';

/*
 * What a fleet costs while nobody uses it: of each process the share of a core, the memory that is its own, and for services
 * their connections to PostgreSQL and what they ask of it and of Kafka a second. It is looked at each second; of memory and connections the
 * most that was seen is told. The statements that take longest come after it.
 *
 * Arguments: seconds to measure (30), seconds to wait before (40).
 */
const [seconds = 30, settle = 40] = process.argv.slice(2).map(Number);
/** Clock ticks a second, in which Linux counts the time of processes. */
const ticks = 100;
const percent = (share) => `${(share * 100).toFixed(1)} %`;
const megabytes = (kilobytes) => `${(kilobytes / 1024).toFixed(1)} MB`;

const options = {
  replicas: 1,
  databaseSettings: countingDatabase,
  overrides: (_, servers) => prepareCounting(servers, serviceNames),
};
await onAFleet(options, async (fleet) => {
  await sleep(settle * 1000);
  const pids = new Map(fleet.processes.status().map(({ name, pid }) => [name, pid]));
  const sql = new pg.Client({ connectionString: fleet.servers.database });
  await sql.connect();
  const counters = await Counters.of(fleet, process.pid);
  // What the first reading itself asks of the brokers, to tell how far consumers are, is not counted.
  await counters.counts();
  const countsBefore = { ...(await counters.counts()), ...counters.time() };
  // Connections that a reading needs are closed again after ten seconds.
  await sleep(12_000);
  const before = new Map([...pids].map(([name, pid]) => [name, cpuOf(pid)]));
  const [memory, connections] = [new Map(), new Map()];
  const from = performance.now();
  for (let second = 1; second <= seconds; second += 1) {
    for (const [name, pid] of pids) keepMost(memory, name, ownKilobytes(pid));
    for (const [name, open] of await connectionsByService(sql)) keepMost(connections, name, open);
    await sleep(Math.max(0, from + second * 1000 - performance.now()));
  }
  const shares = [...pids].map(([name, pid]) => [name, (cpuOf(pid) - before.get(name)) / ticks / seconds]);
  const asked = difference(countsBefore, { ...(await counters.counts()), ...counters.time() });
  await Promise.all([sql.end(), counters.close()]);
  const aSecond = (count) => (count / asked.seconds).toFixed(1);
  const statementsOf = (name) => asked.statements.filter(({ role }) => role === name).reduce((sum, { calls }) => sum + calls, 0);
  const requestsOf = (name) => Object.values(asked.kafka[name] ?? {}).reduce((sum, count) => sum + count, 0);
  console.log(
    '| process | share of a core | memory of its own | connections to PostgreSQL | statements a second | requests to Kafka a second |\n| --- | --- | --- | --- | --- | --- |',
  );
  for (const [name, share] of shares.sort(([, one], [, other]) => other - one)) {
    const asks = serviceNames.includes(name) ? `${aSecond(statementsOf(name))} | ${aSecond(requestsOf(name))}` : ' | ';
    console.log(`| ${name} | ${percent(share)} | ${megabytes(memory.get(name))} | ${connections.get(name) ?? ''} | ${asks} |`);
  }
  const all = (of) => aSecond(serviceNames.reduce((sum, name) => sum + of(name), 0));
  const share = shares.reduce((sum, [, one]) => sum + one, 0);
  console.log(`| all | ${percent(share)} | | | ${all(statementsOf)} | ${all(requestsOf)} |`);
  console.log(`\nCommits a second: ${aSecond(asked.commits)}; flushes of PostgreSQL’s log: ${aSecond(asked.flushes)}.\n`);
  for (const { role, text, calls, ms } of asked.statements.toSorted((one, other) => other.ms - one.ms).slice(0, 12))
    console.log(`${aSecond(calls)}/s ${(ms / asked.seconds).toFixed(2)} ms/s ${role}: ${text.replaceAll(/\s+/g, ' ').slice(0, 120)}`);
});

function keepMost(seen, name, now) {
  seen.set(name, Math.max(now, seen.get(name) ?? 0));
}

/** @returns the pages of a process that no other shares: those of the Node binary and of libraries, which all have, are not in it. */
function ownKilobytes(pid) {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  return ['Private_Clean', 'Private_Dirty'].reduce((sum, field) => sum + Number(new RegExp(`${field}:\\s+(\\d+)`).exec(text)?.[1] ?? 0), 0);
}

/** @returns how many connections each service has open: their names begin with the Center's and the service's. */
async function connectionsByService(sql) {
  const { rows } = await sql.query(
    `SELECT split_part(application_name, ' ', 2) AS service, count(*)::int AS open FROM pg_stat_activity
     WHERE application_name LIKE 'communication-center %' GROUP BY service`,
  );
  return rows.map(({ service, open }) => [service, open]);
}

/** @returns the processor time of a process and of all it has started, in ticks. */
function cpuOf(pid) {
  const fields = statOf(pid);
  // Its own, and that of children that have ended.
  const own = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
  return childrenOf(pid).reduce((sum, child) => sum + cpuOf(child), own);
}

/** @returns what follows the name in a process's line; none of its time where it is gone. */
function statOf(pid) {
  try {
    const line = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return line.slice(line.lastIndexOf(')') + 2).split(' ');
  } catch {
    return [];
  }
}

/** @returns the processes that its threads have started; none where it is gone. */
function childrenOf(pid) {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((task) =>
      readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
    );
  } catch {
    return [];
  }
}
