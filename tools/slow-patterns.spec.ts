/*
 * No regular expression of the sources takes more than a time that the text's length tells: one that tries again from each letter on
 * lets a stranger's 64 KB cost seconds. What is found here is written otherwise: with an end to each repetition, from a place that is
 * known (`^`, or the flag y), or without an expression.
 */
import { globSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseAst } from 'rolldown/parseAst';
import { analyse } from 'scslre';
import { expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '..');
/** Those of tests, and of what tests stand on, read what tests made. */
const sources = globSync('{apps,libs}/*/src/**/*.{ts,tsx}', { cwd: root })
  .filter((file) => !/\.(spec|fixture|d)\.tsx?$/.test(file) && !file.startsWith('libs/testing/'))
  .sort();

function* within(node: unknown): Generator<Record<string, unknown>> {
  if (typeof node !== 'object' || node === null) return;
  if (!Array.isArray(node)) yield node as Record<string, unknown>;
  for (const inner of Object.values(node)) yield* within(inner);
}

interface Found {
  file: string;
  pattern: RegExp;
}

function patternsIn(file: string): Found[] {
  const tree = parseAst(readFileSync(resolve(root, file), 'utf8'), { lang: file.endsWith('x') ? 'tsx' : 'ts' });
  return [...within(tree)].flatMap(({ type, regex }) => {
    if (type !== 'Literal' || !regex) return [];
    const { pattern, flags } = regex as { pattern: string; flags: string };
    return [{ file, pattern: new RegExp(pattern, flags) }];
  });
}

const slowness = (pattern: RegExp) =>
  analyse(pattern).reports.map(({ type, exponential }) => (exponential ? `${type}, without an end` : type));

const found = sources.flatMap(patternsIn);

test('the sources have expressions, and they are found', () => {
  expect(found.length).toBeGreaterThan(60);
});

test.each([
  ['once read the digests of phones', /([a-z]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,]+))/gi],
  ['once read the addresses of phones', /<([^>]+)>/],
  ['is the example of all books', /^(a+)+$/],
  ['takes blanks away', /\s+$/],
])('one that %s is known to be slow', (_what, pattern) => {
  expect(slowness(pattern)).not.toEqual([]);
});

test.each(found.map(({ file, pattern }) => [file, String(pattern), pattern] as const))('%s: %s is not', (_file, _text, pattern) => {
  expect(slowness(pattern)).toEqual([]);
});

/** Made of constants that stand beside them, never of what arrives. */
const made = ['apps/presence/src/domain/stream-place.ts', 'apps/sip/src/authenticate/digest.ts'];

test('no other file makes expressions of texts', () => {
  const making = sources.filter((file) => /\bnew RegExp\(|\bRegExp\(/.test(readFileSync(resolve(root, file), 'utf8')));
  expect(making).toEqual(made);
});
