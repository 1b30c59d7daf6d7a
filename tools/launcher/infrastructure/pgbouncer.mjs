import { chownSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { Refusal, say } from '../output.mjs';
import { waitFor } from '../processes.mjs';
import { findProgram, provide } from './packages.mjs';
import { account, dataFolder } from './postgres.mjs';

/**
 * Starts pgbouncer, in transaction mode, in front of the instance's own PostgreSQL. Only tests need it.
 * @returns the URL that goes through it; undefined in front of a database that is not the instance's.
 */
export async function startPgbouncer(instance, processes, { ports }, databaseUrl) {
  if (process.env.DATABASE_URL) {
    say('DATABASE_URL is set: every replica goes to it directly, none through pgbouncer');
    return undefined;
  }
  const command = provide({
    what: 'pgbouncer, for the tests,',
    find: () => findProgram('pgbouncer', ['/usr/sbin', '/usr/local/sbin']),
    packages: ['pgbouncer'],
    variable: 'DATABASE_URL',
  });
  if (command === 'compose') throw new Refusal('pgbouncer is missing, which the tests need: install it.');
  // It refuses to run as root, as PostgreSQL does.
  const runAs = account();
  const settings = writeSettings(`${dataFolder(instance, runAs)}.pgbouncer`, ports, new URL(databaseUrl), runAs);
  processes.start({ name: 'pgbouncer', command, args: [settings], cwd: '/', ...runAs });
  await waitFor('pgbouncer', () => accepts(ports.pgbouncer), { dead: () => processes.deathOf('pgbouncer') });
  const url = new URL(databaseUrl);
  url.port = String(ports.pgbouncer);
  return url.href;
}

function writeSettings(folder, ports, { username, password }, { uid, gid }) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const settings = join(folder, 'pgbouncer.ini');
  const users = join(folder, 'users.txt');
  writeFileSync(users, `"${username}" "${password}"\n`, { mode: 0o600 });
  writeFileSync(
    settings,
    `[databases]
* = host=127.0.0.1 port=${ports.postgres}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${ports.pgbouncer}
unix_socket_dir =
pool_mode = transaction
auth_type = scram-sha-256
auth_file = ${users}
auth_user = ${username}
auth_query = SELECT usename, passwd FROM pg_shadow WHERE usename = $1
max_client_conn = 300
default_pool_size = 8
server_login_retry = 1
query_wait_timeout = 5
tcp_keepidle = 10
tcp_keepintvl = 5
tcp_keepcnt = 3
log_connections = 0
log_disconnections = 0
`,
    { mode: 0o600 },
  );
  if (uid !== undefined) for (const path of [folder, settings, users]) chownSync(path, uid, gid);
  return settings;
}

function accepts(port) {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => resolve(true));
    socket.once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}
