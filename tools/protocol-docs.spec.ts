/*
 * The published contract is generated: a change of the schemas that does not show in docs/ fails here.
 */
import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';

test('docs/protocol and docs/settings.md say what the contracts and settings say', () => {
  const generate = resolve(import.meta.dirname, 'docs/dist/generate.js');
  const done = spawnSync(process.execPath, [generate, '--check'], { encoding: 'utf8' });
  expect(done.stderr).toBe('');
  expect(done.status).toBe(0);
});
