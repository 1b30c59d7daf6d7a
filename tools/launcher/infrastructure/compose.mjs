import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { Refusal } from '../output.mjs';
import { root } from '../registry.mjs';

const project = (instance) => ['compose', '-p', `communication-center-${instance.name}`, '-f', join(root, 'docker-compose.yml')];

/** Starts one server of docker-compose.yml on the instance's port. */
export function startInCompose(instance, service, env) {
  instance.composed = true;
  const done = spawnSync('docker', [...project(instance), 'up', '-d', service], { env: { ...process.env, ...env }, encoding: 'utf8' });
  if (done.status !== 0) throw new Refusal(`docker compose could not start ${service}: ${done.stderr.trim().split('\n').at(-1)}`);
}

/** Removes the containers; their volumes stay. */
export function stopCompose(instance, env) {
  spawnSync('docker', [...project(instance), 'down'], { env: { ...process.env, ...env }, stdio: 'ignore', timeout: 60_000 });
}
