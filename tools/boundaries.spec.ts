/*
 * The rules of who may import whom are the linter's: each forbidden import here must fail it, or the rule forbids nothing.
 */
import { spawnSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '..');

const forbidden: [what: string, folder: string, specifier: string][] = [
  ['an app imports another by name', 'apps/calls/src', '@communication-center/gateway'],
  ['an app imports another by path', 'apps/calls/src/deadlines', '../../../gateway/src/settings.js'],
  ['an app reaches into a library', 'apps/calls/src', '../../../libs/service/dist/identity.js'],
  ['an app touches Kafka', 'apps/calls/src', 'kafkajs'],
  ['the domain imports a framework', 'apps/calls/src/domain', '@nestjs/common'],
  ['the domain imports SQL', 'apps/calls/src/domain', 'pg'],
  ['the domain imports a clock or randomness', 'apps/calls/src/domain', 'node:crypto'],
  ['the domain imports what stands around it', 'apps/calls/src/domain', '../settings.js'],
  ['the domain imports a service library', 'apps/webhooks/src/domain', '@communication-center/service'],
  ['contracts import a framework', 'libs/contracts/src', '@nestjs/common'],
  ['contracts import a platform', 'libs/contracts/src', 'node:fs'],
  ['the client imports a service library', 'libs/client/src', '@communication-center/service'],
  ['the client imports a Node library', 'libs/client/src', 'ws'],
  ['the server library imports contracts', 'libs/server/src', '@communication-center/contracts'],
  ['the server library imports a framework', 'libs/server/src', 'undici'],
  ['the event log imports the service library', 'libs/event-log/src', '@communication-center/service'],
];

const allowed: [folder: string, specifier: string][] = [
  ['apps/calls/src', '@communication-center/service'],
  ['apps/calls/src', '@communication-center/contracts/services'],
  ['apps/calls/src/domain', '@communication-center/contracts'],
  ['apps/calls/src/domain', './decide.js'],
  ['libs/contracts/src', 'zod'],
  ['libs/contracts/src', './ids.js'],
  ['libs/client/src', '@communication-center/contracts'],
  ['libs/event-log/src', 'kafkajs'],
  ['libs/server/src', 'node:crypto'],
];

const fileOf = (folder: string, specifier: string) => join(folder, `boundary-${specifier.replace(/[^a-z]+/g, '-')}.fixture.ts`);
const files = [...forbidden.map(([, folder, specifier]) => [folder, specifier] as const), ...allowed].map(
  ([folder, specifier]) => [fileOf(folder, specifier), specifier] as const,
);
const linter = join(root, 'node_modules/@biomejs/biome/bin/biome');
let output = '';
let wholeTree: { status: number | null; said: string };

beforeAll(() => {
  const whole = spawnSync(process.execPath, [linter, 'check', '--colors=off', '.'], { cwd: root, encoding: 'utf8' });
  wholeTree = { status: whole.status, said: whole.stdout + whole.stderr };
  // The linter judges a file by where it lies, so each fixture lies there for a moment.
  for (const [file, specifier] of files)
    writeFileSync(join(root, file), `import * as imported from '${specifier}';\n\nexport const used = imported;\n`);
  const args = [
    linter,
    'lint',
    '--only=style/noRestrictedImports',
    '--max-diagnostics=100',
    '--colors=off',
    ...files.map(([file]) => file),
  ];
  const done = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8' });
  output = done.stdout + done.stderr;
}, 240_000);

afterAll(() => {
  for (const [file] of files) rmSync(join(root, file), { force: true });
});

test('the linter finds nothing in the whole tree', () => {
  expect(wholeTree.status, wholeTree.said).toBe(0);
});

const isRefused = (folder: string, specifier: string) => output.includes(`${fileOf(folder, specifier)}:1:`);

test.each(forbidden)('%s: refused', (_what, folder, specifier) => {
  expect(isRefused(folder, specifier)).toBe(true);
});

test.each(allowed)('%s may import %s', (folder, specifier) => {
  expect(isRefused(folder, specifier)).toBe(false);
});
