import { spawnSync } from 'node:child_process';
import { chownSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { outsidePostgresFolder } from '../instance.mjs';
import { Refusal, say } from '../output.mjs';
import { waitFor } from '../processes.mjs';
import { startInCompose } from './compose.mjs';
import { findProgram, provide } from './packages.mjs';
import { securedDatabase } from './secured.mjs';

const variable = 'DATABASE_URL';

/** Folders where distributions keep the server's binaries, newest first. */
function binaryFolders() {
  const base = '/usr/lib/postgresql';
  if (!existsSync(base)) return [];
  const versions = readdirSync(base).sort((one, other) => Number(other) - Number(one));
  return versions.map((version) => join(base, version, 'bin'));
}

/** PostgreSQL refuses to run as root: the account it runs as instead. */
export function account() {
  if (process.getuid?.() !== 0) return {};
  for (const name of ['postgres', 'nobody']) {
    const line = readFileSync('/etc/passwd', 'utf8')
      .split('\n')
      .find((entry) => entry.startsWith(`${name}:`));
    if (line) return { uid: Number(line.split(':')[2]), gid: Number(line.split(':')[3]) };
  }
  throw new Refusal(
    `PostgreSQL will not run as root and there is no account "postgres": make one, run as another user, or set ${variable}.`,
  );
}

/** @returns a folder the account can reach; inside the instance's where its path allows that. */
export function dataFolder(instance, { uid }) {
  const inside = join(instance.folder, 'postgres');
  if (uid === undefined) return inside;
  for (let folder = dirname(inside); folder !== '/'; folder = dirname(folder)) {
    if ((statSync(folder).mode & 0o001) === 0) return outsidePostgresFolder(instance);
  }
  return inside;
}

/** Starts PostgreSQL, or takes the configured one. @returns its URL. */
export async function startPostgres(instance, processes, { ports, secrets, databaseSettings = {}, secured }) {
  if (process.env[variable]) return process.env[variable];
  const find = () => {
    const server = findProgram('postgres', binaryFolders());
    const initdb = findProgram('initdb', [...(server ? [dirname(server)] : []), ...binaryFolders()]);
    return server && initdb ? { server, initdb } : undefined;
  };
  const url = `postgresql://center:${secrets.postgresPassword}@127.0.0.1:${ports.postgres}/postgres`;
  const programs = provide({ what: 'PostgreSQL', find, packages: ['postgresql'], variable });
  if (programs === 'compose') {
    startInCompose(instance, 'postgres', { POSTGRES_PORT: String(ports.postgres), POSTGRES_PASSWORD: secrets.postgresPassword });
    return url;
  }
  const runAs = account();
  const folder = dataFolder(instance, runAs);
  makeDataFolder(programs.initdb, folder, secrets.postgresPassword, runAs);
  const tls = secured ? securedServer(folder, secured, runAs) : {};
  processes.start({
    name: 'postgres',
    command: programs.server,
    args: [
      '-D',
      folder,
      '-p',
      String(ports.postgres),
      '-c',
      'listen_addresses=127.0.0.1',
      '-c',
      'unix_socket_directories=',
      '-c',
      'max_connections=490',
      '-c',
      'log_line_prefix=%m [%p] %q%a: ',
      ...Object.entries({ ...databaseSettings, ...tls }).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    ],
    cwd: folder,
    ...runAs,
    // A fast shutdown: open connections are ended, data is flushed.
    stopSignal: 'SIGINT',
    // At once, though in order: killed, it would leave shared memory behind.
    abandonSignal: 'SIGQUIT',
  });
  const ready = () =>
    spawnSync(findProgram('pg_isready', binaryFolders()) ?? 'pg_isready', ['-q', '-h', '127.0.0.1', '-p', String(ports.postgres)])
      .status === 0;
  await waitFor('PostgreSQL', async () => ready(), { dead: () => processes.deathOf('postgres') });
  return secured ? securedDatabase(url, secured) : url;
}

/** Lets nobody in without TLS, a certificate and a password. @returns the server's settings for that. */
function securedServer(folder, { certificates: { ca, server } }, { uid, gid }) {
  const files = { ssl_ca_file: ca, ssl_cert_file: server.cert, ssl_key_file: server.key };
  // It reads only keys of its own account.
  const copied = Object.entries(files).map(([setting, file]) => [setting, file, join(folder, `${setting}.pem`)]);
  for (const [, file, copy] of copied) writeFileSync(copy, readFileSync(file), { mode: 0o600 });
  writeFileSync(join(folder, 'pg_hba.conf'), 'hostssl all all 127.0.0.1/32 scram-sha-256 clientcert=verify-ca\n', { mode: 0o600 });
  if (uid !== undefined) for (const path of [...copied.map(([, , copy]) => copy), join(folder, 'pg_hba.conf')]) chownSync(path, uid, gid);
  return { ssl: 'on', ...Object.fromEntries(copied.map(([setting, , copy]) => [setting, copy])) };
}

/** Initialises in a draft folder that is renamed when complete, so that a crash leaves no half-made cluster. */
function makeDataFolder(initdb, folder, password, runAs) {
  if (existsSync(join(folder, 'PG_VERSION'))) return;
  say('making a new PostgreSQL data folder');
  const draft = `${folder}.draft`;
  rmSync(draft, { recursive: true, force: true });
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(draft, { recursive: true, mode: 0o700 });
  if (runAs.uid !== undefined) chownSync(draft, runAs.uid, runAs.gid);
  const passwordFile = `${draft}.password`;
  writeFileSync(passwordFile, password, { mode: 0o600 });
  if (runAs.uid !== undefined) chownSync(passwordFile, runAs.uid, runAs.gid);
  const args = ['-D', draft, '-U', 'center', '-A', 'scram-sha-256', `--pwfile=${passwordFile}`, '-E', 'UTF8', '--locale=C.UTF-8'];
  const done = spawnSync(initdb, args, { encoding: 'utf8', cwd: draft, ...runAs });
  rmSync(passwordFile, { force: true });
  if (done.status !== 0) throw new Error(`initdb failed: ${done.stderr || done.error?.message}`);
  renameSync(draft, folder);
}
