import { spawn } from 'node:child_process';
import { setPriority } from 'node:os';
import { join } from 'node:path';
import { root } from './registry.mjs';
import { pinnedNode } from './services.mjs';

/**
 * Runs Vitest once.
 * @param {string[]} args for Vitest.
 * @param {{report: string, settings?: Record<string, string>, place?: 'front' | 'alongside' | 'beside'}} options where its JSON report goes,
 *   the environment of the tests, and whether it is not the only one: what others than the one in front print is held back until they have
 *   ended, and who is beside it has the processors mostly while nobody else wants them.
 * @returns {Promise<boolean>} whether all went well.
 */
export async function runVitest(args, { report, settings = {}, place = 'front' }) {
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`, '--passWithNoTests'];
  const child = spawn(pinnedNode, [join(root, 'node_modules/vitest/vitest.mjs'), 'run', ...reporters, ...args], {
    cwd: root,
    env: { ...process.env, ...settings },
    stdio: place === 'front' ? 'inherit' : ['ignore', 'pipe', 'pipe'],
  });
  const held = [];
  // Its own processes, which are yet to begin, inherit it.
  if (place === 'beside' && child.pid) setPriority(child.pid, 10);
  if (place !== 'front') for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => held.push(data));
  const code = await new Promise((resolve) => child.once('close', resolve));
  if (held.length > 0) process.stdout.write(Buffer.concat(held));
  return code === 0;
}
