import { readdirSync, readFileSync } from 'node:fs';
import { WebSocket } from 'ws';
import { makeApp, onAFleet, percentile } from './on-a-fleet.mjs';

/*
 * npm run bench:idle-sockets -- 10000 [200 at once]    what one gateway bears when so many devices are connected and do nothing
 *
 * Every socket is authenticated, has its session on record and its snapshot, and is pinged. A call between two of them is
 * measured before and after: from sending `dial` to the callee's hearing `call.dialed`.
 */
const wanted = Number(process.argv[2] ?? 10_000);
/** As when a gateway died: its devices all come at once. */
const atOnce = Number(process.argv[3] ?? 200);
const people = 50;
const aliases = Array.from({ length: people }, (_, index) => `user-${index}`);

/** All devices have one address here. */
const most = String(wanted + 100);
const room = { MAX_SOCKETS: most, CONNECTIONS_PER_ADDRESS: most, SIGNED_IN_PER_ADDRESS: most };

await onAFleet({ overrides: () => ({ gateway: room }) }, async (fleet, ask) => {
  const { appId, key } = await makeApp(fleet, ask, { users: [...aliases, 'caller', 'callee'], options: { mediaSetupSeconds: 0 } });
  const tokenOf = async (userAlias) => (await ask('POST', '/v1/user-tokens', key, { userAlias })).body.token;
  const connect = (userAlias, token, deviceId) => open(fleet.url, { appId, userAlias, token, deviceId });
  const [caller, callee] = await Promise.all(['caller', 'callee'].map(async (name) => connect(name, await tokenOf(name), 'd')));
  const before = await ringTimes(caller, callee);
  const gateway = fleet.processes.status().find(({ name }) => name === 'gateway');
  const memoryBefore = residentMegabytes(gateway.pid);
  const tokens = await Promise.all(aliases.map(tokenOf));
  const used = cpuByName(fleet);
  const from = Date.now();
  let made = 0;
  const sockets = [];
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      while (made < wanted) {
        const number = made++;
        sockets.push(await connect(aliases[number % people], tokens[number % people], `device-${number}`));
      }
    }),
  );
  const seconds = (Date.now() - from) / 1000;
  const usedAfter = cpuByName(fleet);
  const cpu = [...usedAfter].map(([name, all]) => [name, (1000 * (all - (used.get(name) ?? 0))) / wanted]).filter(([, ms]) => ms >= 0.005);
  const memoryAfter = residentMegabytes(gateway.pid);
  const cpuBefore = cpuSeconds(gateway.pid);
  await new Promise((resolve) => setTimeout(resolve, 20_000));
  const busy = (cpuSeconds(gateway.pid) - cpuBefore) / 20;
  const memoryIdle = residentMegabytes(gateway.pid);
  const alive = sockets.filter(({ socket }) => socket.readyState === WebSocket.OPEN).length;
  const after = await ringTimes(caller, callee);
  const kilobytes = (megabytes) => `${((megabytes * 1024) / wanted).toFixed(1)} KB`;
  const p50 = [percentile(before, 50), percentile(after, 50)];
  console.log(`
  ${alive} of ${wanted} sockets are open on one gateway, connected at ${(wanted / seconds).toFixed(0)} a second
  CPU-ms a connect: ${cpu.map(([name, ms]) => `${name} ${ms.toFixed(2)}`).join(', ')}
  memory of the gateway: ${memoryBefore} MB before, ${memoryAfter} MB when all had connected: ${kilobytes(memoryAfter - memoryBefore)} a socket
  and after they had idled for 20 s ${memoryIdle} MB: ${kilobytes(memoryIdle - memoryBefore)} a socket
  idle, it takes ${(100 * busy).toFixed(0)} % of a core for pings and leases
  a dial reaches the callee in ${p50[0].toFixed(0)} ms (p50) before, ${p50[1].toFixed(0)} ms with them: ${(p50[1] / p50[0]).toFixed(1)}×`);
  for (const { socket } of [...sockets, caller, callee]) socket.terminate();
});

/** Opens a socket and signs in. */
async function open(url, { appId, userAlias, token, deviceId }) {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/v1/socket`, 'communication-center.v1', { perMessageDeflate: false });
  const listeners = new Set();
  socket.on('message', (data) => {
    const frame = JSON.parse(String(data));
    for (const listener of listeners) listener(frame);
  });
  const next = (matches) =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`nothing came for ${userAlias}`)), 30_000);
      const listener = (frame) => {
        if (!matches(frame)) return;
        clearTimeout(timer);
        listeners.delete(listener);
        resolve(frame);
      };
      listeners.add(listener);
    });
  await new Promise((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('error', reject);
  });
  const connected = next(({ type }) => type === 'connected' || type === 'error');
  socket.send(JSON.stringify({ type: 'connect', id: 1, appId, userAlias, deviceId, token }));
  const answer = await connected;
  if (answer.type === 'error') throw new Error(`${userAlias} was not let in: ${answer.error.message}`);
  return { socket, next };
}

async function ringTimes(caller, callee) {
  const times = [];
  for (let round = 0; round < 30; round += 1) {
    const rung = callee.next(({ type, event }) => type === 'event' && event.type === 'call.dialed');
    const from = performance.now();
    const replied = caller.next(({ type, id }) => type === 'reply' && id === `dial-${round}`);
    caller.socket.send(JSON.stringify({ type: 'dial', id: `dial-${round}`, commandId: crypto.randomUUID(), callees: ['callee'] }));
    const { event } = await rung;
    times.push(performance.now() - from);
    await replied;
    const over = caller.next(({ type, event: told }) => type === 'event' && told.type === 'call.ended');
    caller.socket.send(JSON.stringify({ type: 'hang_up', id: `end-${round}`, commandId: crypto.randomUUID(), callId: event.callid }));
    await over;
  }
  return times;
}

function residentMegabytes(pid) {
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024);
}

/** @returns the processor time of each process of the fleet and of the client, with what they started, in seconds. */
function cpuByName(fleet) {
  const children = new Map();
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    const parent = Number(statOf(pid)?.[1]);
    children.set(parent, [...(children.get(parent) ?? []), Number(pid)]);
  }
  const withChildren = (pid) => treeSeconds(pid, children);
  const named = fleet.processes.status().map(({ name, pid }) => [name, withChildren(pid)]);
  const own = process.cpuUsage();
  return new Map([...named, ['client', (own.user + own.system) / 1e6]]);
}

function treeSeconds(pid, children) {
  const fields = statOf(pid) ?? [];
  // Its own, and what those took that it has waited for.
  const own = [11, 12, 13, 14].reduce((sum, field) => sum + Number(fields[field] ?? 0), 0) / 100;
  return (children.get(pid) ?? []).reduce((sum, child) => sum + treeSeconds(child, children), own);
}

/** @returns the fields of a process after its name; undefined when it is gone. */
function statOf(pid) {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ');
  } catch {
    return undefined;
  }
}

function cpuSeconds(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}
