import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { root } from './launcher/registry.mjs';

/*
 * npm run check:recipe    adds a service to a copy of the project by the recipe of docs/architecture.md, counts the files of the
 *                         house that changed, runs the house's own rules on it, starts the fleet, makes a call and asks the service
 */
const template = join(root, 'e2e/new-service');
const copy = join(root, '.run/recipe/center');
const mostChanged = 3;
/** What a transfer of any size may cost the gateway, in memory. */
const mostMegabytes = 64;

const git = (...args) =>
  execFileSync('git', ['-c', 'user.name=recipe', '-c', 'user.email=recipe@localhost', ...args], { cwd: copy, encoding: 'utf8' });

function run(what, command, args) {
  console.log(what);
  const { status } = spawnSync(command, args, { cwd: copy, stdio: 'inherit' });
  if (status !== 0) throw new Error(`${what}: failed`);
}

function copyProject() {
  rmSync(copy, { recursive: true, force: true });
  const files = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '-z'], { cwd: root, encoding: 'utf8' })
    .split('\0')
    .filter(Boolean);
  for (const file of files) {
    mkdirSync(dirname(join(copy, file)), { recursive: true });
    cpSync(join(root, file), join(copy, file));
  }
  git('init', '--quiet');
  git('add', '--all');
  git('commit', '--quiet', '--message', 'The house as it is');
}

/** The recipe: its own folder, its contracts, one entry, and what npm and the compiler are told. */
function followRecipe() {
  cpSync(join(template, 'billing'), join(copy, 'apps/billing'), { recursive: true });
  cpSync(join(template, 'usage.ts'), join(copy, 'libs/contracts/src/usage.ts'));
  change('libs/contracts/src/services.json', (services) => [...services, JSON.parse(readFileSync(join(template, 'entry.json'), 'utf8'))]);
  change('tsconfig.json', (config) => ({ ...config, references: [...config.references, { path: 'apps/billing' }] }));
  run('npm install, which notes the new folder', 'npm', ['install', '--no-audit', '--no-fund', '--loglevel=error']);
  run('formatting', 'npx', ['biome', 'check', '--write', '--log-level=error', '.']);
  run('writing the generated pages', 'npm', ['run', '--silent', 'docs']);
}

function change(file, edit) {
  const path = join(copy, file);
  writeFileSync(path, `${JSON.stringify(edit(JSON.parse(readFileSync(path, 'utf8'))), null, 2)}\n`);
}

function countChanged() {
  const changed = git('status', '--porcelain')
    .split('\n')
    .filter((line) => /^ ?M/.test(line))
    .map((line) => line.slice(3));
  const byHand = changed.filter((file) => !file.startsWith('docs/'));
  console.log(`files of the house that changed: ${byHand.join(', ')}; generated pages: ${changed.length - byHand.length}`);
  if (byHand.length > mostChanged) throw new Error(`more than ${mostChanged} files changed`);
}

async function useService() {
  const { startFleet } = await import(join(copy, 'tools/launcher/fleet.mjs'));
  const { openInstance } = await import(join(copy, 'tools/launcher/instance.mjs'));
  const fleet = await startFleet(openInstance('recipe'), { keepsData: false });
  try {
    const ask = async (method, path, key, body) => {
      const response = await fetch(new URL(path, fleet.url), {
        method,
        headers: { authorization: `Bearer ${key}`, ...(body && { 'content-type': 'application/json' }) },
        ...(body && { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(20_000),
      });
      const answer = await response.json();
      if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${JSON.stringify(answer)}`);
      return answer;
    };
    for (const user of ['ann', 'ben']) await ask('PUT', `/v1/users/${user}`, fleet.demoKey, { name: user });
    const { callId } = await ask('POST', '/v1/calls', fleet.demoKey, { userAlias: 'ann', deviceId: 'desk', callees: ['ben'] });
    await ask('POST', `/v1/calls/${callId}/answer`, fleet.demoKey, { userAlias: 'ben', deviceId: 'sofa' });
    await sleep(1500);
    await ask('POST', `/v1/calls/${callId}/hang-up`, fleet.demoKey, { userAlias: 'ann', deviceId: 'desk' });
    await expectUsage(ask, fleet.demoKey);
    await ask('POST', '/v1/operations/billing/projections/usage/rebuild', fleet.secrets.operatorKey, {});
    await untilTrue('the projection being rebuilt', async () => {
      const { projections } = await ask('GET', '/v1/operations/billing/projections', fleet.secrets.operatorKey);
      return projections[0]?.rebuild?.state === 'done';
    });
    await expectUsage(ask, fleet.demoKey);
    await transferBothWays(fleet);
    const { status } = await fetch(new URL('/v1/usage?from=yesterday&to=today', fleet.url), {
      headers: { authorization: `Bearer ${fleet.demoKey}` },
    });
    if (status !== 400) throw new Error(`a wrong query was answered ${status}`);
    await openSocket(fleet);
  } finally {
    await fleet.stop();
  }
}

/** A page's socket reaches the service in its user's name, and goes when its gateway stops. */
async function openSocket(fleet) {
  const { token } = await (
    await fetch(new URL('/v1/user-tokens', fleet.url), {
      method: 'POST',
      headers: { authorization: `Bearer ${fleet.demoKey}`, 'content-type': 'application/json' },
      body: JSON.stringify({ userAlias: 'ann' }),
    })
  ).json();
  const { bearerSubprotocol } = await import(join(copy, 'libs/contracts/dist/index.js'));
  const url = new URL('/v1/usage/live', fleet.url.replace('http', 'ws'));
  const socket = new WebSocket(url, ['usage.v1', bearerSubprotocol + token]);
  const got = [];
  let closed;
  socket.onmessage = ({ data }) => got.push(data);
  socket.onclose = ({ code }) => (closed = code);
  const { userAlias, kind } = JSON.parse(await untilTrue('the socket of the service', async () => got[0]));
  if (kind !== 'user' || userAlias !== 'ann') throw new Error(`the socket was opened in the name of ${kind} ${userAlias}`);
  const sent = 'x'.repeat(5_000_000);
  socket.send(sent);
  if ((await untilTrue('the echo', async () => got[1])) !== sent) throw new Error('another text came back than was sent');
  const stranger = new WebSocket(url, ['usage.v1', `${bearerSubprotocol}nobody`]);
  await untilTrue('a stranger being refused', async () => stranger.readyState === WebSocket.CLOSED);
  process.kill(fleet.processes.status().find(({ name }) => name === 'gateway').pid, 'SIGTERM');
  await untilTrue('the gateway sending it away', async () => closed !== undefined);
  console.log(`a socket of the service: opened by ${userAlias}, echoed ${sent.length} bytes, closed with ${closed}`);
  if (closed !== 1012) throw new Error('a gateway that drains closes with 1012');
}

/** A file of a gigabyte goes through the gateway, there and back. */
async function transferBothWays(fleet) {
  const bytes = 1_073_741_824;
  const { pid } = fleet.processes.status().find(({ name }) => name === 'gateway');
  const memory = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) / 1024;
  const before = memory();
  let most = before;
  const watching = setInterval(() => (most = Math.max(most, memory())), 20);
  const url = new URL('/v1/usage/archives', fleet.url);
  const headers = { authorization: `Bearer ${fleet.demoKey}` };
  try {
    const piece = Buffer.alloc(65_536);
    const body = Readable.from(
      (function* () {
        for (let left = bytes; left > 0; left -= piece.length) yield piece;
      })(),
    );
    const began = Date.now();
    const put = await fetch(url, {
      method: 'PUT',
      headers: { ...headers, 'content-type': 'application/octet-stream' },
      body,
      duplex: 'half',
    });
    const taken = await put.json();
    const half = Date.now();
    let got = 0;
    for await (const part of (await fetch(`${url}/${bytes}`, { headers })).body) got += part.length;
    const seconds = [half - began, Date.now() - half].map((ms) => (ms / 1000).toFixed(1));
    console.log(
      `1 GB there in ${seconds[0]} s, back in ${seconds[1]} s; the gateway had ${before.toFixed(0)} MB before and ${most.toFixed(0)} MB at most`,
    );
    if (taken.bytes !== bytes || got !== bytes) throw new Error(`of ${bytes} bytes ${taken.bytes} arrived there and ${got} back`);
    if (most - before > mostMegabytes) throw new Error(`that is more than ${mostMegabytes} MB for a transfer`);
  } finally {
    clearInterval(watching);
  }
}

async function expectUsage(ask, key) {
  const today = new Date().toISOString().slice(0, 10);
  const yesterday = new Date(Date.now() - 86_400_000).toISOString().slice(0, 10);
  const used = await untilTrue(
    'the call being counted',
    async () => (await ask('GET', `/v1/usage?from=${yesterday}&to=${today}`, key)).usage[0],
  );
  console.log(`/v1/usage: ${JSON.stringify(used)}`);
  if (used.calls !== 1 || used.talkSeconds < 1) throw new Error('one call of more than a second was made');
}

async function untilTrue(what, check) {
  for (const end = Date.now() + 20_000; Date.now() < end; await sleep(200)) {
    const found = await check();
    if (found) return found;
  }
  throw new Error(`${what} was waited for in vain`);
}

try {
  copyProject();
  followRecipe();
  countChanged();
  run('the rules of the house', 'npm', ['test', '--silent', '--', '--project', 'unit', 'tools/']);
  await useService();
  console.log('1 passed, 0 failed');
} catch (error) {
  console.error(error);
  console.log('0 passed, 1 failed');
  process.exitCode = 1;
} finally {
  rmSync(dirname(copy), { recursive: true, force: true });
}
