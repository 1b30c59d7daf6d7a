import { startFleet } from '../tools/launcher/fleet.mjs';
import { openInstance } from '../tools/launcher/instance.mjs';

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

/** Makes an app with a key and some users. @returns the key. */
export async function makeApp({ secrets }, ask, { options = {}, users }) {
  const appId = `bench-${Date.now().toString(36)}`;
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
