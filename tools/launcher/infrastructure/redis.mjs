import { mkdirSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { waitFor } from '../processes.mjs';
import { startInCompose } from './compose.mjs';
import { findProgram, provide } from './packages.mjs';

const variable = 'REDIS_URL';

/** Starts Redis, or takes the configured one. @returns its URL. */
export async function startRedis(instance, processes, { ports }) {
  if (process.env[variable]) return process.env[variable];
  const url = `redis://127.0.0.1:${ports.redis}`;
  const server = provide({ what: 'Redis', find: () => findProgram('redis-server'), packages: ['redis-server'], variable });
  if (server === 'compose') {
    startInCompose(instance, 'redis', { REDIS_PORT: String(ports.redis) });
  } else {
    const folder = join(instance.folder, 'redis');
    mkdirSync(folder, { recursive: true });
    // It holds no truth: every job in it can be made again from PostgreSQL, so nothing is saved.
    const args = [
      '--port',
      String(ports.redis),
      '--bind',
      '127.0.0.1',
      '--dir',
      folder,
      '--save',
      '',
      '--appendonly',
      'no',
      '--maxmemory-policy',
      'noeviction',
      // How often it looks around by itself; what runs out is found when it is asked for.
      '--hz',
      '2',
    ];
    processes.start({ name: 'redis', command: server, args });
  }
  await waitFor('Redis', () => answersPing(ports.redis), { dead: () => processes.deathOf('redis') });
  return url;
}

function answersPing(port) {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write('PING\r\n'));
    socket.setTimeout(1000, () => socket.destroy());
    socket.once('data', (data) => {
      resolve(data.toString().startsWith('+PONG'));
      socket.destroy();
    });
    socket.once('error', () => resolve(false));
    socket.once('close', () => resolve(false));
  });
}
