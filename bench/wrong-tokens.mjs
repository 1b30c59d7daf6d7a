import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { makeApp, onAFleet, percentile } from './on-a-fleet.mjs';
import { inTime, overSockets, Phone } from './price/phone.mjs';

/*
 * npm run bench:wrong-tokens [-- seconds]   what wrong tokens, as many as this machine can send, do to honest calls
 *
 * An honest app dials five times a second over sockets; a dial is timed from its frame to the callee's hearing of it. Beside it wrong
 * tokens come from eight addresses: over connections that ask without waiting for answers, and then over sockets that try once each.
 * All is on one machine: what the flood itself costs is taken from the same processors.
 */
const seconds = Number(process.argv[2] ?? 20);
const everyMs = 200;
const from = Array.from({ length: 8 }, (_, n) => `127.0.0.${66 + n}`);
const rounds = {
  'without a flood': undefined,
  'wrong tokens over HTTP': { connections: 64, ahead: 16, sockets: 0 },
  // More than the gateway lets wait.
  'over thousands of connections': { connections: 3200, ahead: 16, sockets: 0 },
  'wrong tokens over sockets': { connections: 0, ahead: 0, sockets: 32 },
  'without one again': undefined,
};
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

await onAFleet({ replicas: 1 }, async (fleet, ask) => {
  const users = Array.from({ length: 40 }, (_, index) => `honest-${index}`);
  const { appId, key } = await makeApp(fleet, ask, { users, options: { mediaSetupSeconds: 0 } });
  const open = async (userAlias) => {
    const { token } = (await ask('POST', '/v1/user-tokens', key, { userAlias })).body;
    return Phone.open(fleet.url, { appId, userAlias, token, deviceId: 'd' });
  };
  const phones = await Promise.all(users.map(open));
  const flood = fork(new URL('wrong-tokens-flood.mjs', import.meta.url));
  await callQuietly(phones, Date.now() + 5000);
  console.log(`\n  ${1000 / everyMs} honest calls a second, ${seconds} s each round`);
  for (const [name, load] of Object.entries(rounds)) await round({ fleet, phones, flood }, name, load);
  flood.kill();
  for (const { socket } of phones) socket.terminate();
});

async function round({ fleet, phones, flood }, name, load) {
  const gateway = pidOf(fleet, 'gateway');
  const directory = pidOf(fleet, 'directory');
  const [was, wasOf, asked] = [gateway, flood.pid, directory].map(usedBy);
  const forMs = seconds * 1000;
  const said = load ? once(flood, 'message') : [{ sent: 0, answered: {}, cut: 0 }];
  if (load) flood.send({ url: fleet.url, from, forMs, ...load });
  const { rung, failed } = await callQuietly(phones, Date.now() + forMs);
  const [heard] = await said;
  const [is, isOf, askedSince] = [gateway, flood.pid, directory].map(usedBy);
  const answers = Object.entries(heard.answered).map(([what, count]) => `${count} × ${what}`);
  const answered = Object.values(heard.answered).reduce((sum, count) => sum + count, 0);
  const aMinute = (count) => Math.round((count * 60) / seconds).toLocaleString('en');
  const percent = (after, before) => `${((100 * (after.cpuSeconds - before.cpuSeconds)) / seconds).toFixed(0)} %`;
  console.log(`\n  ${name}
    honest calls   ${rung.length} rang, ${failed.length} failed; dial to ring p50 ${percentile(rung, 50)?.toFixed(1)} ms, p99 ${percentile(rung, 99)?.toFixed(1)} ms
    wrong tokens   ${aMinute(heard.sent)} a minute sent, ${aMinute(answered)} answered: ${answers.join(', ') || 'none'}; ${heard.cut} connections cut
    gateway        ${percent(is, was)} of a processor (directory ${percent(askedSince, asked)}, the flood itself ${percent(isOf, wasOf)}), memory ${was.megabytes} MB before, ${is.megabytes} MB after`);
  for (const reason of new Set(failed)) console.log(`    failed: ${reason}`);
  await pause(2000);
}

/** Calls five times a second. @returns after how many milliseconds each dial rang, and why others did not. */
async function callQuietly(phones, until) {
  const [rung, failed, calls] = [[], [], []];
  for (let number = 0; Date.now() < until; number += 1) {
    const pair = number % (phones.length / 2);
    calls.push(callOnce(phones[2 * pair], phones[2 * pair + 1], rung).catch((error) => failed.push(error.message)));
    await pause(everyMs);
  }
  await Promise.all(calls);
  return { rung, failed };
}

async function callOnce(caller, callee, rung) {
  const began = performance.now();
  const ring = callee.hears('call.dialed').then(() => rung.push(performance.now() - began));
  const { result } = await inTime(overSockets.dial(caller, [callee.alias]), 'a dial');
  try {
    await inTime(ring, 'a ring');
  } finally {
    await inTime(overSockets.act(caller, 'hang_up', result.callId), 'a hang-up');
  }
}

function pidOf({ processes }, wanted) {
  return processes.status().find(({ name }) => name === wanted).pid;
}

/** @returns the seconds of a processor that a process has used, and its memory. */
function usedBy(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
  // Of user and system, in ticks of 10 ms (proc(5)).
  const cpuSeconds = (Number(fields[11]) + Number(fields[12])) / 100;
  const kilobytes = Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
  return { cpuSeconds, megabytes: Math.round(kilobytes / 1024) };
}
