/*
 * The registry of services says what there is: each service has a folder, and what its entry says of topics, projections and
 * settings is what its sources say.
 */
import { existsSync, globSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { type Topic, topics } from '@communication-center/contracts';
import { internal } from '@communication-center/contracts/internal';
import { services } from '@communication-center/contracts/services';
import { expect, test } from 'vitest';
import { makeSecrets } from './launcher/instance.mjs';
import { steps } from './launcher/registry.mjs';
import { servicesOf } from './launcher/services.mjs';

/** A service's settings, as zod checks them. */
interface Settings {
  shape: object;
  safeParse(env: unknown): { error?: { issues: unknown[] } };
}

const root = resolve(import.meta.dirname, '..');
const names = services.map(({ name }) => name);
const each = services.map((service) => [service.name, service] as const);

/** @returns what a service's own code says, its tests left out. */
function sourcesOf(service: string): string {
  const files = globSync(`apps/${service}/src/**/*.ts`, { cwd: root }).filter((file) => !/\.(spec|fixture)\.ts$/.test(file));
  return files.map((file) => readFileSync(resolve(root, file), 'utf8')).join('\n');
}

function found(text: string, pattern: RegExp): string[] {
  return [...new Set([...text.matchAll(pattern)].flatMap(([, list = '']) => list.match(/[a-z-]+(\.[a-z]+)?/g) ?? []))].sort();
}

test('every folder under apps that runs a service is in the registry, and no other', () => {
  const folders = globSync('apps/*/src/main.ts', { cwd: root }).map((file) => file.split('/')[1] ?? '');
  const running = folders.filter((folder) => readFileSync(resolve(root, `apps/${folder}/src/main.ts`), 'utf8').includes('runService('));
  expect(running.sort()).toEqual([...names].sort());
});

test.each(each)('%s reads, writes and projects what its entry says', (name, { reads, writes, projections }) => {
  const text = sourcesOf(name);
  const consumed = found(text, /topics: \[([^\]]*)\]/g);
  const followed = found(text, /new Tail\([^)]*topic: ('[^']+')/g);
  expect([...new Set([...consumed, ...followed])].sort()).toEqual(reads);
  expect(found(text, /@ProjectEvents\(\s*('[^']+')/g)).toEqual(projections);
  const named = found(text, /\btopic: ('[^']+')/g);
  expect(named.filter((topic) => ![...reads, ...writes].some((known) => known === topic))).toEqual([]);
  expect(writes.filter((topic) => !named.includes(topic))).toEqual([]);
});

test.each(each)('%s asks of other services what its entry says, and is let ask no more', (name, { asks, reads }) => {
  const text = sourcesOf(name);
  const asked = [...text.matchAll(/\.ask(?:ForLines)?\(\s*internal\.(\w+)/g)].map(([, endpoint = '']) => endpoint);
  if (text.includes('new FollowEnds(')) asked.push('ended');
  if (/\beraseApps\(/.test(text)) asked.push('erasedApps');
  // What an operator has a service do is put on record by it; the one that keeps the record does so itself.
  if (name !== internal.noteAct.service) asked.push('noteAct');
  if (/\bfairShare\b/.test(text)) asked.push('appOptions');
  // What a topic lacks of a call is read from its owner by whatever consumes it; the owner reads its own store.
  if (reads.includes('calls.events') && !/\bstore\b.*repairIn/s.test(text)) asked.push('callEvents');
  expect([...new Set(asked)].sort()).toEqual(asks);
  expect(asks.filter((endpoint) => internal[endpoint].service === name)).toEqual([]);
});

test('every topic is written by somebody: one that nobody writes is not made', () => {
  const written = new Set(services.flatMap(({ writes }) => writes));
  expect(Object.keys(topics).filter((topic) => !written.has(topic as Topic))).toEqual([]);
});

test('no two services own the same resource, or have names that could be taken for another', () => {
  const resources = services.flatMap((service) => service.resources.map(({ path }) => path));
  expect(new Set(resources).size).toBe(resources.length);
  expect(new Set(names).size).toBe(names.length);
});

test('every port of an instance is another one', () => {
  const taken = Object.values(steps);
  expect(new Set(taken).size).toBe(taken.length);
});

test.each(each)('%s is given all the settings it needs in a local fleet, and none that it does not know', async (name, entry) => {
  const ports = Object.fromEntries(Object.entries(steps).map(([part, step]) => [part, 4000 + step]));
  const servers = {
    database: 'postgresql://center@127.0.0.1:4030/postgres',
    redis: 'redis://127.0.0.1:4031',
    brokers: '127.0.0.1:4032',
    janus: 'ws://127.0.0.1:4034',
  };
  const started = servicesOf({ cache: '' }, { ports, secrets: makeSecrets(undefined), servers, replicas: 2 });
  const { settings } = (await import(resolve(root, `apps/${name}/src/settings.ts`))) as { settings: Settings };
  for (const replica of [name, `${name}-2`]) {
    const env = started.find((one) => one.name === replica)?.env;
    const { error } = settings.safeParse(env);
    expect(error?.issues, `${replica} misses settings`).toBeUndefined();
  }
  const said = [entry.secrets, entry.local, entry.overrides].flatMap((some) => Object.keys(some));
  const unknown = [...said, ...(entry.door ? [entry.door] : [])].filter((setting) => !(setting in settings.shape));
  expect(unknown).toEqual([]);
});

test('the compiler visits every service', () => {
  const { references } = JSON.parse(readFileSync(resolve(root, 'tsconfig.json'), 'utf8')) as { references: { path: string }[] };
  const visited = references.map(({ path }) => path);
  expect(names.filter((name) => !visited.includes(`apps/${name}`))).toEqual([]);
  expect(names.every((name) => existsSync(resolve(root, `apps/${name}/tsconfig.json`)))).toBe(true);
});
