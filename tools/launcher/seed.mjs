import { say } from './output.mjs';

export const demoApp = 'demo';
const people = [
  { userAlias: 'alice', name: 'Alice Archer', email: 'alice@example.com' },
  { userAlias: 'bob', name: 'Bob Baker', email: 'bob@example.com' },
  { userAlias: 'carol', name: 'Carol Cooper', email: 'carol@example.com' },
];

async function ask(url, method, path, key, body) {
  const response = await fetch(new URL(path, url), {
    method,
    headers: { authorization: `Bearer ${key}`, ...(body && { 'content-type': 'application/json' }) },
    body: body && JSON.stringify(body),
    signal: AbortSignal.timeout(10_000),
  });
  if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${await response.text()}`);
  return response.status === 204 ? undefined : response.json();
}

/**
 * Whether the demo app may be made in this fleet's database: in the launcher's own alone, since anybody may sign in to that app
 * as anybody. A database of somebody else is no place for it, whatever the profile.
 * @param {NodeJS.ProcessEnv} environment of the launcher.
 */
export function maySeed(environment) {
  return !environment.DATABASE_URL;
}

/**
 * Makes the demo app, its people and one API key, or finds them made.
 * @param {string | undefined} knownKey the key of an earlier start.
 * @param {NodeJS.ProcessEnv} environment of the launcher.
 * @returns {Promise<string | undefined>} a demo API key that works; undefined where nothing may be seeded, and nothing was asked.
 */
export async function seedDemo(url, operatorKey, knownKey, environment = process.env) {
  if (!maySeed(environment)) return undefined;
  // The options of one that is there already, which somebody may have changed since, stay as they are.
  const options = knownKey ? undefined : { usersMayRecord: true };
  await ask(url, 'PUT', `/v1/apps/${demoApp}`, operatorKey, { name: 'Demo', trustsBareAlias: true, ...(options && { options }) });
  const works =
    knownKey &&
    (await ask(url, 'GET', '/v1/users/alice', knownKey).then(
      () => true,
      () => false,
    ));
  if (works) return knownKey;
  say('making the demo app');
  const body = { name: 'demo', scopes: ['admin', 'users', 'tokens', 'calls', 'presence', 'webhooks'] };
  const { secret } = await ask(url, 'POST', `/v1/apps/${demoApp}/api-keys`, operatorKey, body);
  for (const { userAlias, ...person } of people) await ask(url, 'PUT', `/v1/users/${userAlias}`, secret, person);
  return secret;
}
