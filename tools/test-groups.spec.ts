/*
 * Tests that break the fleet say so in the names of their files: whoever breaks what all need has it alone, and of those that break
 * one part no two break the same.
 */
import { globSync, readFileSync } from 'node:fs';
import { matchesGlob, resolve } from 'node:path';
import { expect, test } from 'vitest';
import config from '../vitest.config.js';
import { databaseOnly, logOnly, ownFleets } from './launcher/database-only.mjs';
import { last, slowest } from './launcher/slowest-first.mjs';
import { groups, wholeRun } from './launcher/test-run.mjs';

const root = resolve(import.meta.dirname, '..');
const breaks = /fleet\.(control|controlBrokers|killAndAwait|restartBroker)\(|\.flushall\(/;
const specs = globSync(['{apps,libs}/*/src/**/*.{int,e2e}.spec.ts', 'e2e/**/*.{int,e2e}.spec.ts'], { cwd: root });
const textOf = (file: string) => readFileSync(resolve(root, file), 'utf8');

/** @returns the services and servers that a test of one part breaks. */
function brokenBy(file: string): Set<string> {
  const text = textOf(file);
  const named = [...text.matchAll(/\.(?:control|killAndAwait)\(\s*'([\w-]+)'/g)];
  return new Set([...named, ...text.matchAll(/\.replicasOf\('([\w-]+)'\)/g)].map(([, name]) => name ?? ''));
}

test('a test that breaks what others use is named for it', () => {
  expect(specs.length).toBeGreaterThan(10);
  const misnamed = specs.filter((file) => !/\.(local-)?faults\./.test(file) && breaks.test(textOf(file)));
  expect(misnamed, 'name them *.faults.int.spec.ts, so that they run alone').toEqual([]);
});

test('of the tests that break one part, no two break the same, and none breaks what all need', () => {
  const local = specs.filter((file) => file.includes('.local-faults.'));
  expect(local.length).toBeGreaterThan(1);
  const broken = local.flatMap((file) => [...brokenBy(file)]);
  expect(broken.length).toBeGreaterThan(3);
  expect(broken, 'each is broken by one file alone').toEqual([...new Set(broken)]);
  const needed = ['postgres', 'pgbouncer', 'kafka', 'gateway', 'calls', 'directory', 'presence'];
  expect(broken.filter((name) => needed.includes(name))).toEqual([]);
  expect(local.filter((file) => /\.(controlBrokers|restartBroker)\(/.test(textOf(file)))).toEqual([]);
});

test('the files that begin first are there, once each, and have no fleet to themselves', () => {
  expect([...slowest, ...last].filter((file) => !specs.includes(file))).toEqual([]);
  expect(new Set(slowest).size).toBe(slowest.length);
  expect(slowest.filter((file) => /\.faults\./.test(file))).toEqual([]);
});

const projects = (config.test?.projects ?? []) as { test: { name: string; include: string[]; exclude?: string[] } }[];

test('every group of Vitest runs once in a whole run, or in the long one, and is reached by one name of --project', () => {
  const names = projects.map(({ test: { name } }) => name).sort();
  const whole = wholeRun.flatMap(({ projects, alongside = [], beside = [], afterwards = [] }) => [
    ...projects,
    ...alongside,
    ...beside,
    ...afterwards,
  ]);
  expect([...whole, 'own-servers'].sort()).toEqual(names);
  const long = textOf('tools/check-long.mjs');
  expect(ownFleets.filter((file) => !long.includes(file.replace('.int.spec.ts', '')))).toEqual([]);
  expect(Object.values(groups).flat().sort()).toEqual(names);
});

test('every test on real servers is in one group', () => {
  const groupsOf = (file: string) =>
    projects
      .filter(
        ({ test: { include, exclude = [] } }) =>
          include.some((glob) => matchesGlob(file, glob)) && !exclude.some((glob) => matchesGlob(file, glob)),
      )
      .map(({ test: { name } }) => name);
  expect(specs.filter((file) => groupsOf(file).length !== 1).map((file) => [file, groupsOf(file)])).toEqual([]);
});

test('what needs PostgreSQL alone is told from what needs a log, a door or Redis', () => {
  const found = databaseOnly().filter((file) => !ownFleets.includes(file));
  expect(found).toContain('apps/calls/src/decide-in-groups/decision-room.int.spec.ts');
  expect(found).toContain('libs/service/src/database/migrate.int.spec.ts');
  expect(found.filter((file) => file.startsWith('libs/event-log/src/consume/'))).toEqual([]);
  expect(found.filter((file) => /\.(killAndAwait|control)\(|Phones|\.brokers/.test(textOf(file)))).toEqual([]);
});

test('what is told to need no service asks none, and what breaks servers has nothing beside it that needs them', () => {
  expect(logOnly()).toContain('libs/event-log/src/publish/relay.int.spec.ts');
  expect(
    logOnly().filter((file) => /\bPhones\b|fleet\.(?:rest|makeApp|makeUser|tokenOf|control|killAndAwait)\(/.test(textOf(file))),
  ).toEqual([]);
  const ofServers = projects.find(({ test: { name } }) => name === 'server-faults')?.test.include ?? [];
  const servers = ['postgres', 'pgbouncer', 'kafka'];
  const breaksServers = specs.filter(
    (file) => /\.(?:controlBrokers|restartBroker)\(/.test(textOf(file)) || servers.some((name) => brokenBy(file).has(name)),
  );
  expect(breaksServers.length).toBeGreaterThan(2);
  expect(breaksServers.filter((file) => !ofServers.includes(file))).toEqual([]);
  const alone = wholeRun.filter(({ projects }) => projects.includes('server-faults'));
  expect(alone).toEqual([{ projects: ['server-faults'], beside: ['unit'], isLastOnAllBrokers: true }]);
  expect(wholeRun[0], 'later there is one copy of the log alone').toBe(alone[0]);
});
