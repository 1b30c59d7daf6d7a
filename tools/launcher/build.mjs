import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { setPriority } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { entryOf } from './instance.mjs';
import { Refusal, say } from './output.mjs';
import { root } from './registry.mjs';
import { pinnedNode } from './services.mjs';
import { statesOf } from './sources.mjs';

const marks = join(root, '.run', 'marks');

function isMarked(name, value) {
  const file = join(marks, name);
  return existsSync(file) && readFileSync(file, 'utf8') === value;
}

function mark(name, value) {
  mkdirSync(marks, { recursive: true });
  writeFileSync(join(marks, name), value);
}

function run(what, command, args, { isBeside = false } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, PATH: `${dirname(pinnedNode)}${delimiter}${process.env.PATH}`, NX_DAEMON: 'false', NX_TUI: 'false' },
    });
    if (isBeside && child.pid) setPriority(child.pid, 10);
    let output = '';
    child.stdout.on('data', (data) => (output += data));
    child.stderr.on('data', (data) => (output += data));
    child.once('error', (error) => reject(new Refusal(`${what} could not run: ${error.message}`)));
    child.once('exit', (code) => {
      if (code === 0) resolve();
      else reject(new Refusal(`${what} failed:\n${output.trim().split('\n').slice(-40).join('\n')}`));
    });
  });
}

const compiler = (...args) => [join(root, 'node_modules/typescript/bin/tsc'), '-b', '--pretty', 'false', ...args];

/** Compiles a project and what it stands on; `.` is all of them, but the console. @throws Refusal with what the compiler says. */
export function compile(project) {
  return run(`compiling ${project}`, pinnedNode, compiler(project));
}

/** Installs npm packages when the lock file is not the one they were installed from. */
export async function installPackages() {
  const lock = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
  if (existsSync(join(root, 'node_modules/.package-lock.json')) && isMarked('installed', lock)) return;
  say('installing npm packages');
  await run('npm ci', 'npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error']);
  mark('installed', lock);
}

const sourceFolders = ['apps', 'libs', 'tools/docs', 'e2e'];

/** Names the state of every source file by path, size and time. */
function sourcesMark() {
  const hash = createHash('sha256');
  for (const [path, state] of statesOf(sourceFolders.map((folder) => join(root, folder)))) hash.update(`${path} ${state}\n`);
  for (const file of ['package-lock.json', 'tsconfig.base.json', 'tsconfig.json']) hash.update(readFileSync(join(root, file)));
  return hash.digest('hex');
}

/**
 * Builds what changed since the last build. One compiler serves all projects, since each on its own would read anew what they
 * share; the page and the bundles, which are made of what it writes, are made side by side. Types are not looked at, which takes the
 * compiler twice as long as all the rest: see {@link checkTypes}.
 * @throws Refusal with what went wrong.
 */
export async function build() {
  const sources = sourcesMark();
  if (isMarked('built', sources) && existsSync(entryOf('gateway'))) return;
  say('building');
  await run('compiling', pinnedNode, compiler('--noCheck', '.'));
  const made = await Promise.allSettled([
    run('building the console', 'npm', ['run', 'build', '--workspace', '@communication-center/console']),
    run('bundling', pinnedNode, [join(root, 'tools/bundle.mjs')]),
  ]);
  for (const { reason } of made) if (reason) throw reason;
  mark('built', sources);
}

/** Checks the types of what changed since they were checked, beside whatever else runs. @throws Refusal with what the compiler says. */
export async function checkTypes() {
  const sources = sourcesMark();
  if (isMarked('checked', sources)) return;
  await run('checking types', pinnedNode, compiler('.'), { isBeside: true });
  mark('checked', sources);
}
