/*
 * What can be borrowed is said to whoever asks for something else, and a save is seen however an editor does it.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { services } from '@communication-center/contracts/services';
import { afterAll, expect, test } from 'vitest';
import { savedBetween, statesOf } from './launcher/sources.mjs';

const folder = mkdtempSync(join(tmpdir(), 'sources-'));
afterAll(() => rmSync(folder, { recursive: true }));

test('a name that is no service is refused, with those there are', () => {
  const { status, stderr } = spawnSync(process.execPath, [resolve(import.meta.dirname, 'dev.mjs'), 'calls', 'console', 'cals'], {
    encoding: 'utf8',
  });
  expect(status).toBe(2);
  expect(stderr).toContain('No service is called console or cals.');
  for (const { name } of services) expect(stderr).toContain(name);
});

/** Does something to the files. @returns what was saved by it. */
function savedBy(act: () => void): string[] {
  const before = statesOf([folder]);
  act();
  return savedBetween(before, statesOf([folder])).map((path) => path.slice(folder.length + 1));
}

test('a file that is written, replaced, touched, made or removed was saved, and no other', () => {
  const file = (name: string) => join(folder, name);
  mkdirSync(file('src/deep'), { recursive: true });
  for (const name of ['src/a.ts', 'src/deep/b.ts']) writeFileSync(file(name), 'one');
  expect(savedBy(() => undefined)).toEqual([]);
  expect(savedBy(() => writeFileSync(file('src/a.ts'), 'other'))).toEqual(['src/a.ts']);
  const draft = join(tmpdir(), `draft-${process.pid}`);
  writeFileSync(draft, 'three');
  expect(savedBy(() => renameSync(draft, file('src/deep/b.ts')))).toEqual(['src/deep/b.ts']);
  expect(savedBy(() => utimesSync(file('src/a.ts'), 1, 1))).toEqual(['src/a.ts']);
  expect(savedBy(() => writeFileSync(file('src/new.ts'), ''))).toEqual(['src/new.ts']);
  expect(savedBy(() => rmSync(file('src/new.ts')))).toEqual(['src/new.ts']);
});

test('what was made from sources is none of them', () => {
  for (const made of ['dist', 'node_modules']) {
    mkdirSync(join(folder, made));
    expect(savedBy(() => writeFileSync(join(folder, made, 'a.js'), '1'))).toEqual([]);
  }
});
