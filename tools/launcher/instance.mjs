import { createHash, generateKeyPairSync, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Refusal } from './output.mjs';
import { portsOfAnInstance, registry, root, serviceNames, steps } from './registry.mjs';

/** Where tools/bundle.mjs puts what the services run from. */
export const bundles = join(root, 'dist');

/** @returns the file that a service runs from: bundled, or, while its sources are watched, compiled alone. */
export function entryOf(name, { isWatched = false } = {}) {
  return isWatched ? join(root, 'apps', name, 'dist/main.js') : join(bundles, `${name}.js`);
}

/**
 * One fleet on this machine: its folder, ports and secrets. `dev` keeps its ports; others take free ones at each start.
 * @param {string} name
 */
export function openInstance(name) {
  const folder = join(root, '.run', name);
  mkdirSync(join(folder, 'logs'), { recursive: true });
  mkdirSync(join(folder, 'pids'), { recursive: true });
  return {
    name,
    folder,
    cache: join(root, '.run', 'cache'),
    stateFile: join(folder, 'instance.json'),
    // A socket's path may have 107 bytes at most, and a clone may lie deep.
    controlSocket: join(tmpdir(), `communication-center-${createHash('sha256').update(folder).digest('hex').slice(0, 16)}.sock`),
  };
}

/** Reads what the running, or last, supervisor wrote about itself. */
export function readState(instance) {
  return existsSync(instance.stateFile) ? JSON.parse(readFileSync(instance.stateFile, 'utf8')) : undefined;
}

/** Replaces the state file in one step, so that a crash leaves the old or the new one. */
export function writeState(instance, state) {
  const draft = `${instance.stateFile}.new`;
  writeFileSync(draft, JSON.stringify(state, null, 2), { mode: 0o600 });
  renameSync(draft, instance.stateFile);
}

/** @returns the instance's ports. @throws Refusal that names the first port that is taken. */
export async function choosePorts({ fixedFrom }) {
  if (fixedFrom === undefined) {
    for (let tries = 0; tries < 50; tries += 1) {
      const base = 20_000 + Math.floor(Math.random() * 100) * portsOfAnInstance;
      const ports = portsFrom(base);
      if ((await Promise.all(Object.values(ports).map(isFree))).every(Boolean)) return ports;
    }
    throw new Refusal('No free ports were found between 20000 and 30000');
  }
  const ports = portsFrom(fixedFrom);
  for (const [part, port] of Object.entries(ports)) {
    if (await isFree(port)) continue;
    throw new Refusal(
      `Port ${port} (${part}) is taken by another program. Free it, or set CENTER_PORT to another first port (now ${fixedFrom}).`,
    );
  }
  return ports;
}

function portsFrom(base) {
  return Object.fromEntries(Object.entries(steps).map(([part, step]) => [part, base + step]));
}

function isFree(port) {
  return new Promise((resolveFree) => {
    const server = createServer();
    server.once('error', () => resolveFree(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolveFree(true)));
  });
}

/** Stands in every secret that is made here: services in production know it, and refuse to start (libs/service, weak-secrets.ts). */
const mark = 'dev-only';

/** 32 bytes in base64, the first nine of which are the mark: these are whole characters of base64. */
const markedKey = () => Buffer.concat([Buffer.from(`${mark}.`), randomBytes(23)]).toString('base64');

const markedText = (prefix = '') => `${prefix}${mark}-${randomBytes(24).toString('base64url')}`;

/**
 * Makes the secrets of an instance: kept in its state file, never committed. What an older release made is kept; what it did
 * not know of yet is added.
 */
export function makeSecrets(known) {
  const missing = serviceNames.filter((service) => !known?.privateKeys[service]);
  const keys = missing.map((service) => {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519');
    return {
      service,
      public: { ...publicKey.export({ format: 'jwk' }), kid: `${service}-${mark}` },
      private: { ...privateKey.export({ format: 'jwk' }), kid: `${service}-${mark}` },
    };
  });
  const own = registry.flatMap(({ secrets = {} }) => Object.values(secrets)).map((name) => [name, markedKey()]);
  return {
    ...Object.fromEntries(own),
    // With an id, by which what they make names them.
    secretsKey: `dev:${markedKey()}`,
    nonceKey: `dev:${markedKey()}`,
    // What its name tells: people copy it.
    operatorKey: markedText('op_'),
    janusSecret: markedText(),
    postgresPassword: markedText(),
    ...known,
    jwks: { keys: [...(known?.jwks.keys ?? []), ...keys.map((key) => key.public)] },
    privateKeys: { ...known?.privateKeys, ...Object.fromEntries(keys.map((key) => [key.service, key.private])) },
  };
}

/** Where PostgreSQL's data goes when the instance's own folder is closed to its account. */
export function outsidePostgresFolder(instance) {
  return instance.controlSocket.replace(/\.sock$/, '-postgres');
}

/** The folders that hold what an instance's servers remember. */
export function dataFolders(instance) {
  return [
    ...['postgres', 'postgres.draft', 'redis', 'kafka', 'kafka-2', 'kafka-3', 'janus', 'janus-2', 'instance.json'].map((name) =>
      join(instance.folder, name),
    ),
    outsidePostgresFolder(instance),
    join(instance.folder, 'postgres.pgbouncer'),
    `${outsidePostgresFolder(instance)}.pgbouncer`,
  ];
}
