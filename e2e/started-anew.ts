import { spawn } from 'node:child_process';
import { readFile, readlink } from 'node:fs/promises';
import { eventually, type Fleet, type ProcessName } from '@communication-center/testing';

/**
 * Drains a process of the fleet, and starts another in its place, as it was but for some settings.
 * @returns ends that other one: the launcher knows nothing of it.
 */
export async function startedAnew(fleet: Fleet, name: ProcessName, settings: Record<string, string>): Promise<() => Promise<void>> {
  const pid = (await fleet.statusOf(name))?.pid;
  const read = async (what: string) => (await readFile(`/proc/${pid}/${what}`, 'utf8')).split('\0').filter(Boolean);
  const [command = '', ...args] = await read('cmdline');
  const environment = (await read('environ')).map((one) => [one.slice(0, one.indexOf('=')), one.slice(one.indexOf('=') + 1)]);
  const cwd = await readlink(`/proc/${pid}/cwd`);
  await fleet.control(name, 'stop');
  const child = spawn(command, args, { cwd, env: { ...Object.fromEntries(environment), ...settings }, stdio: 'ignore' });
  await fleet.replicaReady(name);
  return async () => {
    child.kill('SIGTERM');
    await eventually(`the other ${name} being gone`, () => child.exitCode !== null || child.signalCode !== null, 20_000);
  };
}
