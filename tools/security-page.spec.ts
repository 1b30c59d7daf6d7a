/*
 * What docs/security.md promises is proven: each row names tests that exist, each door of the registry has its part, and what is not
 * promised is said.
 */
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { services } from '@communication-center/contracts/services';
import { expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '..');
const page = readFileSync(resolve(root, 'docs/security.md'), 'utf8');
const rows = page
  .split('\n')
  .filter((line) => line.startsWith('| '))
  .map((line) => line.split('|').slice(1, -1));
const promises = rows.filter((cells) => cells.length === 3 && cells[2]?.includes('`'));

test('every promise names a test that is there', () => {
  expect(promises.length).toBeGreaterThan(20);
  for (const [tried, , proof = ''] of promises) {
    const files = [...proof.matchAll(/`([^`]+)`/g)].map(([, file]) => file ?? '');
    expect(files.length, tried).toBeGreaterThan(0);
    for (const file of files) {
      expect(file, tried).toMatch(/\.spec\.ts$/);
      expect(existsSync(resolve(root, file)), `${file}, which is to prove: ${tried}`).toBe(true);
    }
  }
});

test('no promise stands without a proof', () => {
  const tables = page.split('\n\n').filter((part) => part.startsWith('| what is tried'));
  const claimed = tables.flatMap((table) => table.trim().split('\n').slice(2));
  expect(tables.length).toBeGreaterThan(4);
  expect(claimed.length).toBe(promises.length);
});

test('every door has its part', () => {
  const headings = page.split('\n').filter((line) => line.startsWith('## '));
  for (const { name } of services.filter(({ door }) => door)) expect(headings.join('\n')).toContain(`(${name})`);
  expect(headings).toContain('## What is not promised');
});

test('whoever finds a fault reads how to tell it, and which releases are mended', () => {
  const report = readFileSync(resolve(root, 'SECURITY.md'), 'utf8');
  const { version } = JSON.parse(readFileSync(resolve(root, 'package.json'), 'utf8')) as { version: string };
  expect(report).toContain(`| ${version.replace(/\.\d+$/, '.x')} `);
  expect(report).toMatch(/private/);
  expect(readFileSync(resolve(root, 'README.md'), 'utf8')).toContain('docs/security.md');
});
