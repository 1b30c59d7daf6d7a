import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

interface Locked {
  resolved?: string;
  optionalDependencies?: Record<string, string>;
}

const { packages } = JSON.parse(readFileSync(new URL('../package-lock.json', import.meta.url), 'utf8')) as {
  packages: Record<string, Locked>;
};

function isLocked(name: string, wantedBy: string): boolean {
  const folders = wantedBy.split('/node_modules/').map((_, index, all) => all.slice(0, index + 1).join('/node_modules/'));
  return [...folders.map((folder) => `${folder}/node_modules/${name}`), `node_modules/${name}`].some((path) => path in packages);
}

test('the lock file holds the optional packages of every platform, so that npm ci works on each (npm install --package-lock-only adds them)', () => {
  const missing = Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies).filter((name) => !isLocked(name, path)),
  );
  expect(missing).toEqual([]);
});

test('the lock file names no registry: each installation has its own', () => {
  const named = Object.values(packages).filter(({ resolved = '' }) => /^https?:/.test(resolved));
  expect(named).toEqual([]);
});
