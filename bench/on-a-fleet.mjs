import { once } from 'node:events';
import { createServer } from 'node:net';
import { startFleet } from '../tools/launcher/fleet.mjs';
import { openInstance } from '../tools/launcher/instance.mjs';
import { waitFor } from '../tools/launcher/processes.mjs';

/**
 * Runs a measurement on a fleet of its own, as shipped, and stops it.
 * @param {{replicas?: number, overrides?: (ports: object) => object}} options
 * @param {(fleet: object, ask: (method: string, path: string, key: string, body?: object) => Promise<{status: number, body: object}>) => Promise<void>} measure
 */
export async function onAFleet(options, measure) {
  const fleet = await startFleet(openInstance('bench'), options);
  process.once('SIGINT', () => void fleet.stop().then(() => process.exit(130)));
  try {
    await measure(fleet, (method, path, key, body) => ask(fleet.url, method, path, key, body));
  } finally {
    await fleet.stop();
  }
}

async function ask(url, method, path, key, body) {
  const response = await fetch(new URL(path, url), {
    method,
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    ...(body && { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(20_000),
  });
  const text = await response.text();
  return { status: response.status, body: text ? JSON.parse(text) : undefined };
}

/** Starts gateways of a running fleet until there are so many. @returns where devices reach each of those that were added. */
export async function addGateways({ processes, services }, count) {
  const added = [];
  const gateways = services.filter(({ name }) => /^gateway(-\d+)?$/.test(name));
  for (let number = gateways.length + 1; number <= count; number += 1) {
    const [inside, outside] = [await freePort(), await freePort()];
    const [first] = gateways;
    const readyUrl = `http://127.0.0.1:${inside}/health/ready`;
    const one = {
      ...first,
      name: `gateway-${number}`,
      readyUrl,
      env: { ...first.env, PORT: String(inside), PUBLIC_PORT: String(outside) },
    };
    processes.start(one);
    services.push(one);
    added.push(`http://127.0.0.1:${outside}`);
    await waitFor(`gateway-${number}`, async () => (await fetch(readyUrl).catch(() => undefined))?.ok);
  }
  return added;
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

/** Makes an app with a key and some users. @returns the key. */
export async function makeApp({ secrets }, ask, { options = {}, users, name = Date.now().toString(36) }) {
  const appId = `bench-${name}`;
  await ask('PUT', `/v1/apps/${appId}`, secrets.operatorKey, { name: appId, options });
  const { body } = await ask('POST', `/v1/apps/${appId}/api-keys`, secrets.operatorKey, { name: 'bench' });
  for (const user of users) await ask('PUT', `/v1/users/${user}`, body.secret, {});
  return { appId, key: body.secret };
}

/** @returns the value below which so many percent of the sorted numbers lie. */
export function percentile(numbers, percent) {
  const sorted = numbers.toSorted((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * percent) / 100))];
}
