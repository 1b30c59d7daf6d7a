import { join } from 'node:path';
import { entryOf } from './instance.mjs';
import { internalPort, registry, root } from './registry.mjs';

/** The Node that the services run on: the one the project pins, whatever ran the launcher. */
export const pinnedNode = join(root, 'node_modules/node/bin/node');

/**
 * How a service collects what it needs no more. Young objects are collected after so many MB: with 16, as Node has it, a service keeps more
 * once it was busy and no call costs less; with 2 a tenth more of the processor goes into collecting. The gateway, whose sockets make most of
 * them, asks for it itself besides, for bodies that pass it (`passed-memory.ts`). What young objects leave behind while thousands connect would pile up,
 * since an engine that is hardly busy lets its memory grow to three times what it uses before it looks through all of it: the gateway looks when it has doubled, and when it is quiet (`quiet-collection.ts`).
 */
const collectingOf = {
  gateway: ['--max-semi-space-size=8', '--expose-gc', '--heap-growing-percent=100'],
  // Who works for each call, and makes most young objects.
  calls: ['--max-semi-space-size=8'],
  presence: ['--max-semi-space-size=8'],
  // A crowd's pushes make half a minute's young objects in a second: there is room at once, and it is given back when idle (`quiet-collection.ts`).
  notifications: ['--min-semi-space-size=4', '--max-semi-space-size=32', '--semi-space-growth-factor=8', '--expose-gc'],
};
const collecting = ({ name }) => collectingOf[name] ?? ['--max-semi-space-size=4'];

/** Where Node keeps what it has compiled, so that the next process starts faster. */
export const compileCache = (instance) => ({ NODE_COMPILE_CACHE: join(instance.cache, 'node') });

/** Settings of one's own, by what their names begin with. */
const ownOf = (beginning) => Object.fromEntries(Object.entries(process.env).filter(([name]) => name.startsWith(beginning)));

/** What the services, and whoever makes topics, are told of Kafka. Settings of one's own win. */
export function kafkaSettings({ brokers, replication, secured }) {
  const local = replication && { KAFKA_REPLICATION: String(replication), KAFKA_PARTITIONS: '12' };
  return { ...local, ...ownOf('KAFKA_'), ...secured?.kafka, KAFKA_BROKERS: brokers };
}

/** What the services are told of a server that not all of them need. */
function settingsOf(server, servers) {
  const name = server.toUpperCase();
  return { ...(server === 'redis' && { ...ownOf('REDIS_'), ...servers.secured?.redis }), [`${name}_URL`]: servers[server] };
}

/** How a replica on the far host reaches the servers: through the far line alone. */
function farServers(servers, ports) {
  const farPorts = new Map([[String(ports.postgres), ports.farPostgres]]);
  for (const one of ['', '-2', '-3']) farPorts.set(String(ports[`kafka${one}`]), ports[`farKafka${one}`]);
  const throughLine = (text) => text.replace(/:(\d+)(?=[,/]|$)/g, (whole, port) => (farPorts.has(port) ? `:${farPorts.get(port)}` : whole));
  // What is far has no pooler: that one is near the database.
  return { ...servers, pooler: undefined, database: throughLine(servers.database), brokers: throughLine(servers.brokers) };
}

/**
 * @returns how to start each service of an instance, and each of its replicas: the first is named as its service, the second `calls-2`.
 * @param {{ports: object, secrets: object, servers: {database: string, pooler?: string, redis: string, brokers: string, replication?: number, janus: string, secured?: {kafka: object, redis: object}}, replicas?: number, far?: string[], pooled?: string[], overrides?: Record<string, Record<string, string>>, isWatched?: boolean}} fleet
 */
export function servicesOf(instance, fleet) {
  const numbers = Array.from({ length: fleet.replicas ?? 1 }, (_, index) => index + 1);
  return numbers.flatMap((number) => replicaOf(instance, fleet, number === 1 ? '' : `-${number}`, numbers.length));
}

function replicaOf(instance, { ports, secrets, servers, far = [], pooled = [], overrides = {}, isWatched }, suffix, replicas) {
  const at = (port) => `http://127.0.0.1:${port}`;
  const port = (name) => ports[name + suffix];
  const all = (name) => [at(ports[name]), ...(replicas > 1 ? [at(ports[`${name}-2`])] : [])].join(',');
  const reachable = (replica) => {
    const reached = far.includes(replica) ? farServers(servers, ports) : servers;
    return { ...databaseOf(reached, pooled.includes(replica)), ...kafkaSettings(reached) };
  };
  const doors = (name) => ['', ...(replicas > 1 ? ['-2'] : [])].map((one) => `ws://127.0.0.1:${ports[name + one]}`).join(',');
  const urls = Object.fromEntries(registry.map((service) => [`${service.name.toUpperCase()}_URL`, all(internalPort(service))]));
  return registry.map((service) => ({
    name: service.name + suffix,
    command: pinnedNode,
    args: [...collecting(service), ...(isWatched ? ['--enable-source-maps'] : []), entryOf(service.name, { isWatched })],
    cwd: root,
    readyUrl: `${at(port(internalPort(service)))}/health/ready`,
    env: {
      PATH: process.env.PATH,
      NODE_ENV: 'production',
      // Threads that read a file once keep memory of their own for good: 8 MB of an idle gateway.
      MALLOC_ARENA_MAX: '1',
      PROFILE: 'development',
      ...compileCache(instance),
      HOST: '127.0.0.1',
      LOG_LEVEL: process.env.LOG_LEVEL ?? 'info',
      ...reachable(service.name + suffix),
      IDENTITY_PRIVATE_JWK: JSON.stringify(secrets.privateKeys[service.name]),
      IDENTITY_PUBLIC_JWKS: JSON.stringify(secrets.jwks),
      ...urls,
      PORT: String(port(internalPort(service))),
      ...ownSettings(service, {
        door: port(service.name),
        doors,
        addressOf: (name) => at(ports[name]),
        secrets,
        servers,
        folder: instance.folder,
      }),
      ...overrides.every,
      ...overrides[service.name],
    },
  }));
}

/** What a service is told that others are not: its entry in the registry says what, and whose variables win. */
function ownSettings(
  { door: doorSetting, servers: needed = [], secrets: named = {}, local = {}, overrides = {} },
  { door, doors, addressOf, secrets, servers, folder },
) {
  const filled = Object.entries(local).map(([setting, value]) => [
    setting,
    value
      .replace('{root}', root)
      .replace('{folder}', folder)
      .replace(/\{doors of (\w+)\}/, (_, name) => doors(name))
      .replace(/\{address of (\w+)\}/, (_, name) => addressOf(name)),
  ]);
  const given = Object.entries(overrides).map(([setting, variable]) => [setting, process.env[variable]]);
  return {
    ...(doorSetting && { [doorSetting]: String(door) }),
    ...Object.assign({}, ...needed.map((server) => settingsOf(server, servers))),
    ...Object.fromEntries(Object.entries(named).map(([setting, secret]) => [setting, secrets[secret]])),
    ...Object.fromEntries(filled),
    ...Object.fromEntries(given.filter(([, value]) => value)),
  };
}

/** Mixed on purpose where some are pooled: what one does through the pooler, the other must understand. */
function databaseOf({ database, pooler }, isPooled) {
  if (!isPooled || !pooler) return { DATABASE_URL: database };
  return { DATABASE_URL: pooler, DATABASE_DIRECT_URL: database, DATABASE_POOLER: 'transaction' };
}
