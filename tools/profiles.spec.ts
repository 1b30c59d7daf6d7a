/*
 * What a local fleet runs with is good for development alone: in production every service refuses the launcher's secrets and the
 * switches for development, by name, whatever NODE_ENV says. No secret has a default that could be left standing.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { services } from '@communication-center/contracts/services';
import { readSettings } from '@communication-center/service';
import { expect, test } from 'vitest';
import { makeSecrets } from './launcher/instance.mjs';
import { steps } from './launcher/registry.mjs';
import { servicesOf } from './launcher/services.mjs';

/** A service's settings, as zod describes and checks them. */
type Settings = Parameters<typeof readSettings>[0] & { shape: Record<string, Field> };
interface Field {
  meta(): { secret?: boolean; developmentOnly?: boolean } | undefined;
  safeParse(value: unknown): { data?: unknown };
}

const root = resolve(import.meta.dirname, '..');
const names = services.map(({ name }) => name);
const local = localFleet();

/** @returns what each service of a local fleet is given, by its name. */
function localFleet(): Map<string, Record<string, string>> {
  const ports = Object.fromEntries(Object.entries(steps).map(([part, step]) => [part, 4000 + step]));
  const secrets = makeSecrets(undefined);
  const servers = {
    database: `postgresql://center:${secrets.postgresPassword}@127.0.0.1:4030/postgres`,
    redis: 'redis://127.0.0.1:4031',
    brokers: '127.0.0.1:4032',
    janus: 'ws://127.0.0.1:4034',
  };
  return new Map(servicesOf({ cache: resolve(root, '.run/cache') }, { ports, secrets, servers }).map(({ name, env }) => [name, env]));
}

async function settingsOf(service: string): Promise<Settings> {
  return ((await import(resolve(root, `apps/${service}/src/settings.ts`))) as { settings: Settings }).settings;
}

async function secretsOf(service: string): Promise<[string, Field][]> {
  return Object.entries((await settingsOf(service)).shape).filter(([, field]) => field.meta()?.secret === true);
}

test.each(names)('%s marks every key, secret and password as one, and none has a default', async (name) => {
  const marked = await secretsOf(name);
  const named = Object.keys((await settingsOf(name)).shape).filter((setting) => /_(KEY|SECRET|PASSWORD|PRIVATE_JWK)$/.test(setting));
  expect(named.filter((setting) => !marked.some(([known]) => known === setting))).toEqual([]);
  for (const [setting, field] of marked) expect(field.safeParse(undefined).data, setting).toBeUndefined();
});

test.each(names)(
  '%s starts with what the launcher gives it in development, and in production refuses each of its secrets',
  async (name) => {
    const env = local.get(name) ?? {};
    const settings = await settingsOf(name);
    expect(readSettings(settings, env)).toMatchObject({ PROFILE: 'development' });
    // Redis of a local fleet has no password.
    const given = (await secretsOf(name)).map(([setting]) => setting).filter((setting) => env[setting] && setting !== 'REDIS_URL');
    expect(given.length).toBeGreaterThan(1);
    for (const profile of ['', 'production']) {
      const start = () => readSettings(settings, { ...env, PROFILE: profile, NODE_ENV: 'development' });
      for (const setting of given) expect(start).toThrow(`${setting}: was made by npm start, for development`);
    }
  },
);

test('in production the switches for development that a local fleet has on are refused', async () => {
  const refused: string[] = [];
  for (const name of names) {
    const settings = await settingsOf(name);
    const on = Object.entries(settings.shape).filter(
      ([setting, field]) => field.meta()?.developmentOnly && local.get(name)?.[setting] === 'true',
    );
    for (const [setting] of on) {
      expect(() => readSettings(settings, { ...local.get(name), PROFILE: 'production' })).toThrow(`${setting}: is for development`);
      refused.push(setting);
    }
  }
  expect([...new Set(refused)].sort()).toEqual(['ALLOW_BARE_ALIAS', 'ALLOW_PRIVATE_ADDRESSES']);
});

test('a process of a local fleet that is told it is production ends at once, and says why', () => {
  const entry = resolve(root, 'apps/directory/dist/main.js');
  expect(existsSync(entry), 'npm run test:unit compiles it').toBe(true);
  const env = { ...local.get('directory'), PROFILE: 'production' };
  const { status, stdout } = spawnSync(process.execPath, [entry], { env, encoding: 'utf8', timeout: 50_000 });
  expect(status).toBe(1);
  for (const refused of ['ALLOW_BARE_ALIAS: is for development', 'OPERATOR_KEY: was made', 'DATABASE_URL: was made']) {
    expect(stdout).toContain(refused);
  }
  expect(stdout).not.toContain(local.get('directory')?.OPERATOR_KEY);
});
