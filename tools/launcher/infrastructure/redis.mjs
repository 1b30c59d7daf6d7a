import { mkdirSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { waitFor } from '../processes.mjs';
import { startInCompose } from './compose.mjs';
import { findProgram, provide } from './packages.mjs';

const variable = 'REDIS_URL';

/** Starts Redis, or takes the configured one. @returns its URL. */
export async function startRedis(instance, processes, { ports, secured }) {
  if (process.env[variable]) return process.env[variable];
  const url = `redis${secured ? 's' : ''}://127.0.0.1:${ports.redis}`;
  const server = provide({ what: 'Redis', find: () => findProgram('redis-server'), packages: ['redis-server'], variable });
  if (server === 'compose') {
    startInCompose(instance, 'redis', { REDIS_PORT: String(ports.redis) });
  } else {
    const folder = join(instance.folder, 'redis');
    mkdirSync(folder, { recursive: true });
    // It holds no truth: every job in it can be made again from PostgreSQL, so nothing is saved.
    const args = [
      ...doorOf(ports.redis, secured),
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
  await waitFor('Redis', () => answersPing(ports.redis, secured), { dead: () => processes.deathOf('redis') });
  return url;
}

function doorOf(port, secured) {
  if (!secured) return ['--port', String(port)];
  const { ca, server } = secured.certificates;
  const files = ['--tls-ca-cert-file', ca, '--tls-cert-file', server.cert, '--tls-key-file', server.key];
  return ['--port', '0', '--tls-port', String(port), '--tls-auth-clients', 'yes', ...files];
}

function answersPing(port, secured) {
  return new Promise((resolve) => {
    const ask = () => socket.write('PING\r\n');
    const socket = secured ? connectTls({ port, host: '127.0.0.1', ...clientOf(secured) }, ask) : connect(port, '127.0.0.1', ask);
    socket.setTimeout(1000, () => socket.destroy());
    socket.once('data', (data) => {
      resolve(data.toString().startsWith('+PONG'));
      socket.destroy();
    });
    socket.once('error', () => resolve(false));
    socket.once('close', () => resolve(false));
  });
}

function clientOf({ certificates: { ca, client } }) {
  return { ca: readFileSync(ca), cert: readFileSync(client.cert), key: readFileSync(client.key) };
}
