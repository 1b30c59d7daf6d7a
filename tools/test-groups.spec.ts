/*
 * Tests that break the fleet say so in the names of their files: whoever breaks what all need has it alone, and of those that break
 * one part no two break the same.
 */
import { globSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { slowest } from './launcher/slowest-first.mjs';

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
  expect(slowest.filter((file) => !specs.includes(file))).toEqual([]);
  expect(new Set(slowest).size).toBe(slowest.length);
  expect(slowest.filter((file) => /faults\./.test(file))).toEqual([]);
});
