/*
 * What comes of a run of tests is told whole, and an accident is told from a fault.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { countsOf, failuresOf, secondTriesOf, worthAnotherTry } from './launcher/outcomes.mjs';
import { root } from './launcher/registry.mjs';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'outcomes-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const stack = `Error: 2 is not 1\n    at ${root}/e2e/one.spec.ts:3:1\n    at ${root}/node_modules/vitest/run.js:1:1`;
const passed = { fullName: 'it passes', status: 'passed', failureMessages: [] };
const failed = { fullName: 'it fails', status: 'failed', failureMessages: [stack, 'again'] };
const twice = { fullName: 'it passes later', status: 'passed', failureMessages: [stack] };

function reportOf(...files: { name: string; status: string; message?: string; assertionResults: object[] }[]) {
  const tests = files.flatMap(({ assertionResults }) => assertionResults as { status: string }[]);
  const number = (status: string) => tests.filter((one) => one.status === status).length;
  const path = join(folder, `${Math.random()}.json`);
  const counts = { numPassedTests: number('passed'), numFailedTests: number('failed'), numPendingTests: number('skipped') };
  writeFileSync(path, JSON.stringify({ ...counts, testResults: files.map((file) => ({ ...file, name: join(root, file.name) })) }));
  return path;
}

test('a test that failed is told by its file, its name, what was wrong and where in the project', () => {
  const report = reportOf({ name: 'e2e/one.spec.ts', status: 'failed', assertionResults: [passed, failed, twice] });
  const why = 'Error: 2 is not 1\n    at e2e/one.spec.ts:3:1';
  expect(failuresOf(report)).toEqual([{ file: 'e2e/one.spec.ts', name: 'it fails', why }]);
  expect(secondTriesOf(report)).toEqual([{ file: 'e2e/one.spec.ts', name: 'it passes later', why }]);
  expect(countsOf([report, join(folder, 'none.json')])).toEqual({ passed: 2, failures: 1, pending: 0 });
});

test('a file that could not be loaded counts as one that failed, and is tried again whole', () => {
  const report = reportOf({ name: 'e2e/two.spec.ts', status: 'failed', message: 'no such module', assertionResults: [] });
  const failures = failuresOf(report);
  expect(failures).toEqual([{ file: 'e2e/two.spec.ts', why: 'no such module' }]);
  expect(countsOf([report])).toEqual({ passed: 0, failures: 1, pending: 0 });
  expect(worthAnotherTry(failures)).toEqual({ files: ['e2e/two.spec.ts'] });
});

const outcome = (name: string, why = 'timed out') => ({ file: 'e2e/one.spec.ts', name, why });

test('what was falsified is not tried again, nor is what failed in crowds', () => {
  expect(worthAnotherTry([])).toBeUndefined();
  expect(worthAnotherTry([outcome('a'), outcome('b', 'Error: Property failed after 3 tests')])).toBeUndefined();
  expect(worthAnotherTry(Array.from({ length: 9 }, (_, index) => outcome(`${index}`)))).toBeUndefined();
  expect(worthAnotherTry(Array.from({ length: 8 }, (_, index) => outcome(`${index}`)))?.files).toEqual(['e2e/one.spec.ts']);
});

test('the tests that are tried again are those that failed, whatever their names hold, and no others', () => {
  const names = fc.uniqueArray(fc.string({ unit: 'grapheme-ascii', minLength: 1 }), { minLength: 2, maxLength: 9 });
  fc.assert(
    fc.property(names, ([other = '', ...wanted]) => {
      const pattern = new RegExp(worthAnotherTry(wanted.map((name) => outcome(name)))?.pattern ?? '$.');
      expect(wanted.every((name) => pattern.test(name))).toBe(true);
      expect(pattern.test(other)).toBe(false);
    }),
  );
});
