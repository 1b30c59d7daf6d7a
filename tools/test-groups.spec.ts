/*
 * Tests that break the fleet have it alone: whoever kills, freezes or stops a process says so in the name of its file.
 */
import { globSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '..');
const breaks = /fleet\.(control|controlBrokers|killAndAwait)\(|\.flushall\(/;

test('a test that breaks what others use is named for it', () => {
  const specs = globSync(['{apps,libs}/*/src/**/*.{int,e2e}.spec.ts', 'e2e/**/*.{int,e2e}.spec.ts'], { cwd: root });
  expect(specs.length).toBeGreaterThan(10);
  const misnamed = specs.filter((file) => !file.includes('.faults.') && breaks.test(readFileSync(resolve(root, file), 'utf8')));
  expect(misnamed, 'name them *.faults.int.spec.ts, so that they run alone').toEqual([]);
});
