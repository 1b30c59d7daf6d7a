/* What migrates is 14 MB of a process: a service that runs has none of it. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '../../../..');
const sources = ['libs', 'apps'].flatMap((part) =>
  readdirSync(join(root, part)).flatMap((name) =>
    readdirSync(join(root, part, name, 'src'), { recursive: true, encoding: 'utf8' })
      .filter((file) => /(?<!\.spec)\.ts$/.test(file))
      .map((file) => join(part, name, 'src', file)),
  ),
);

/** @returns the files that import something when they are loaded, types apart. */
const importing = (what: string) =>
  sources.filter((file) => new RegExp(`^import (?!type )[^;]*from '${what}'`, 'm').test(readFileSync(join(root, file), 'utf8')));

test('TypeORM is imported by what migrates, and that by nothing that is loaded with a service', () => {
  expect(importing('typeorm')).toEqual(['libs/service/src/database/migrate.ts']);
  expect(importing('[./\\w-]*/migrate\\.js')).toEqual([]);
  expect(importing('[./\\w-]*/migrate-apart\\.js').map(dirname)).toEqual(['libs/service/src']);
});
