import { spawnSync } from 'node:child_process';
import { accessSync, chmodSync, constants, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { Refusal, say } from '../output.mjs';

/** @returns the full path of the first of these programs that is on the PATH, or in one of the extra folders. */
export function findProgram(name, extraFolders = []) {
  const folders = [...(process.env.PATH ?? '').split(delimiter), ...extraFolders];
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function isDebian() {
  return existsSync('/etc/debian_version') && findProgram('apt-get') !== undefined;
}

let updated = false;

/** Installs Debian packages without letting them start their services; only as root. @returns whether it did. */
function installPackages(packages) {
  if (!isDebian() || process.getuid?.() !== 0) return false;
  const policy = '/usr/sbin/policy-rc.d';
  const guarded = !existsSync(policy);
  if (guarded) {
    writeFileSync(policy, '#!/bin/sh\nexit 101\n');
    chmodSync(policy, 0o755);
  }
  try {
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    if (!updated) spawnSync('apt-get', ['update', '-qq'], { env, stdio: 'ignore', timeout: 180_000 });
    updated = true;
    say(`installing ${packages.join(', ')} with apt-get`);
    const done = spawnSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...packages], {
      env,
      encoding: 'utf8',
      timeout: 600_000,
    });
    if (done.status !== 0) say(`apt-get said: ${done.stderr.trim().split('\n').slice(-3).join(' | ')}`);
    return done.status === 0;
  } finally {
    if (guarded && readFileSync(policy, 'utf8').includes('exit 101')) rmSync(policy);
  }
}

function hasDocker() {
  return spawnSync('docker', ['info'], { stdio: 'ignore', timeout: 10_000 }).status === 0;
}

/**
 * Finds what there may be something else for.
 * @param {{find: () => T | undefined, packages: string[]}} wanted
 * @returns what `find` found, before or after packages were installed for it.
 * @template T
 */
export function provideIfPossible({ find, packages }) {
  return find() ?? (installPackages(packages) ? find() : undefined);
}

/**
 * Finds what a server needs: installed already, else by apt-get, else says that Compose must do it.
 * @param {{what: string, find: () => T | undefined, packages: string[], variable: string}} wanted
 * @returns what `find` found, or 'compose'.
 * @throws Refusal that names what to install and which variable to set.
 * @template T
 */
export function provide({ what, find, packages, variable }) {
  const found = provideIfPossible({ find, packages });
  if (found) return found;
  if (hasDocker()) return 'compose';
  throw new Refusal(
    `${what} is missing. Install it (on Debian or Ubuntu: apt-get install ${packages.join(' ')}), or start Docker, or set ${variable} to a server that runs.`,
  );
}
