import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { onAFleet } from './on-a-fleet.mjs';

/*
 * What a fleet costs while nobody uses it: the share of a core that each process takes.
 *
 * Arguments: seconds to measure (30), seconds to wait before (40).
 */
const [seconds = 30, settle = 40] = process.argv.slice(2).map(Number);
/** Clock ticks a second, in which Linux counts the time of processes. */
const ticks = 100;
const percent = (share) => `${(share * 100).toFixed(1)} %`;

await onAFleet({ replicas: 1 }, async (fleet) => {
  await sleep(settle * 1000);
  const pids = new Map(fleet.processes.status().map(({ name, pid }) => [name, pid]));
  const before = new Map([...pids].map(([name, pid]) => [name, cpuOf(pid)]));
  await sleep(seconds * 1000);
  const shares = [...pids].map(([name, pid]) => [name, (cpuOf(pid) - before.get(name)) / ticks / seconds]);
  console.log('| process | share of a core |\n| --- | --- |');
  for (const [name, share] of shares.sort(([, one], [, other]) => other - one)) console.log(`| ${name} | ${percent(share)} |`);
  console.log(`| all | ${percent(shares.reduce((sum, [, share]) => sum + share, 0))} |`);
});

/** @returns the processor time of a process and of all it has started, in ticks. */
function cpuOf(pid) {
  const fields = statOf(pid);
  // Its own, and that of children that have ended.
  const own = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
  return childrenOf(pid).reduce((sum, child) => sum + cpuOf(child), own);
}

/** @returns what follows the name in a process's line. */
function statOf(pid) {
  const line = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return line.slice(line.lastIndexOf(')') + 2).split(' ');
}

function childrenOf(pid) {
  return readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
  );
}
