import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { Refusal, say } from '../output.mjs';
import { waitFor } from '../processes.mjs';
import { root } from '../registry.mjs';
import { startInCompose } from './compose.mjs';
import { findProgram, provide } from './packages.mjs';
import { securedBroker, securedFormat } from './secured.mjs';

const variable = 'KAFKA_BROKERS';
const pom = join(root, 'deploy/kafka/pom.xml');

/** The names of so many brokers: `kafka`, `kafka-2`, … */
export const brokerNames = (count) => Array.from({ length: count }, (_, index) => `kafka${index === 0 ? '' : `-${index + 1}`}`);

/**
 * Starts brokers in KRaft mode, each a controller as well, or takes the configured ones.
 * @returns their addresses, and how many copies of a partition they can keep; undefined for configured ones, whose owner knows.
 */
export async function startKafka(instance, processes, { ports, brokers: count, secured }) {
  if (process.env[variable]) return { addresses: process.env[variable] };
  const find = () => {
    const java = findProgram('java');
    const maven = findProgram('mvn');
    return java && (maven || existsSync(libraries(instance))) ? { java, maven } : undefined;
  };
  const programs = provide({
    what: 'Java (17 or newer) with Maven, for Kafka,',
    find,
    packages: ['openjdk-17-jre-headless', 'maven'],
    variable,
  });
  const composed = programs === 'compose';
  const names = brokerNames(composed ? 1 : count);
  if (composed) {
    startInCompose(instance, 'kafka', { KAFKA_PORT: String(ports.kafka) });
  } else {
    fetchBroker(instance, programs.maven);
    await Promise.all(names.map((name) => startBroker(instance, processes, { java: programs.java, name, names, ports, secured })));
  }
  const isUp = (name) => waitFor(name, () => accepts(ports[name]), { timeoutMs: 90_000, dead: () => processes.deathOf(name) });
  await Promise.all(names.map(isUp));
  return { addresses: names.map((name) => `127.0.0.1:${ports[name]}`).join(','), replication: names.length };
}

/** The folder of the broker's jars, named for the pom that asked for them. */
function libraries(instance) {
  return join(instance.cache, `kafka-${createHash('sha256').update(readFileSync(pom)).digest('hex').slice(0, 12)}`);
}

function fetchBroker(instance, maven) {
  const folder = libraries(instance);
  if (existsSync(folder)) return;
  say('fetching Kafka with Maven');
  const draft = `${folder}.draft`;
  rmSync(draft, { recursive: true, force: true });
  const args = ['-q', '-B', '-f', pom, 'dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${draft}`];
  const done = spawnSync(maven, args, { encoding: 'utf8', timeout: 600_000 });
  if (done.status !== 0 || !existsSync(draft) || readdirSync(draft).length === 0) {
    throw new Refusal(
      `Maven could not fetch Kafka: ${(done.stdout + done.stderr).trim().split('\n').slice(0, 3).join(' | ')}. Set ${variable} to use brokers of your own.`,
    );
  }
  renameSync(draft, folder);
}

async function startBroker(instance, processes, { java, name, names, ports, secured }) {
  const folder = join(instance.folder, name);
  mkdirSync(folder, { recursive: true });
  const config = join(folder, 'server.properties');
  const settings = brokerSettings({ folder, name, names, ports, secured });
  writeFileSync(
    config,
    Object.entries(settings)
      .map(([key, value]) => `${key}=${value}\n`)
      .join(''),
    { mode: 0o600 },
  );
  const jars = `${libraries(instance)}/*`;
  if (!existsSync(join(folder, 'data', 'meta.properties'))) {
    rmSync(join(folder, 'data'), { recursive: true, force: true });
    const id = clusterId(join(instance.folder, 'kafka'));
    const people = secured ? securedFormat(secured) : [];
    await formatFolder(java, folder, ['-cp', jars, 'kafka.tools.StorageTool', 'format', '-t', id, '-c', config, ...people]);
  }
  const logging = `-Dlog4j2.configurationFile=${join(root, 'deploy/kafka/log4j2.properties')}`;
  const memory = names.length > 1 ? ['-Xms128m', '-Xmx256m'] : ['-Xms256m', '-Xmx512m'];
  const quickStart = ['-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Xshare:auto'];
  processes.start({
    name,
    command: java,
    args: [...memory, ...quickStart, logging, '-cp', jars, 'kafka.Kafka', config],
    abandonSignal: 'SIGKILL',
  });
}

/**
 * Each broker has two doors: one for whoever is near, and one that far ones are sent to, whose address is the far line's
 * (see far-line.mjs), so that a service behind that line reaches every broker through it alone.
 */
function brokerSettings({ folder, name, names, ports, secured }) {
  const suffix = name.slice('kafka'.length);
  const at = (part) => `127.0.0.1:${ports[part + suffix]}`;
  const copies = names.length;
  return {
    'process.roles': 'broker,controller',
    'node.id': names.indexOf(name) + 1,
    'controller.quorum.voters': names
      .map((one, index) => `${index + 1}@127.0.0.1:${ports[`kafkaController${one.slice('kafka'.length)}`]}`)
      .join(','),
    ...(secured
      ? {
          listeners: `NEAR://${at('kafka')},CONTROLLER://${at('kafkaController')}`,
          'advertised.listeners': `NEAR://${at('kafka')}`,
          ...securedBroker(folder, 'NEAR', secured),
        }
      : {
          listeners: `NEAR://${at('kafka')},FAR://${at('kafkaFarDoor')},CONTROLLER://${at('kafkaController')}`,
          'advertised.listeners': `NEAR://${at('kafka')},FAR://${at('farKafka')}`,
        }),
    'inter.broker.listener.name': 'NEAR',
    'controller.listener.names': 'CONTROLLER',
    'listener.security.protocol.map': `NEAR:${secured ? 'SASL_SSL' : 'PLAINTEXT'},FAR:PLAINTEXT,CONTROLLER:PLAINTEXT`,
    'log.dirs': join(folder, 'data'),
    'auto.create.topics.enable': false,
    'default.replication.factor': copies,
    'min.insync.replicas': Math.max(1, copies - 1),
    'group.initial.rebalance.delay.ms': 0,
    'group.min.session.timeout.ms': 3000,
    'offsets.topic.replication.factor': copies,
    'offsets.topic.num.partitions': 8,
    'transaction.state.log.replication.factor': copies,
    'transaction.state.log.min.isr': Math.max(1, copies - 1),
    // Leaders go home soon after a restart, so that no broker is left without work, and moves are common.
    'leader.imbalance.check.interval.seconds': 10,
    'leader.imbalance.per.broker.percentage': 0,
    // A broker that hangs or died is replaced as leader after so long, ms. Until then its successor may not come in.
    'broker.session.timeout.ms': 4000,
    'broker.heartbeat.interval.ms': 1000,
    'replica.lag.time.max.ms': 10_000,
    'controlled.shutdown.enable': true,
    'log.segment.bytes': 67_108_864,
    'log.cleaner.dedupe.buffer.size': 16_777_216,
    // Each thread wakes three times a second though nothing comes; the machine has a few processors.
    'num.network.threads': 1,
    'num.io.threads': 4,
    'background.threads': 1,
    // An idle controller writes a record so often, only to show that it is there.
    'metadata.max.idle.interval.ms': 5000,
  };
}

/** Its arguments go by a file, since passwords may be among them: everybody may read the command lines of a machine. */
function formatFolder(java, folder, args) {
  const file = join(folder, 'format.args');
  const quoted = ['-XX:TieredStopAtLevel=1', '-Xshare:auto', '-XX:+UseSerialGC', ...args].map(
    (arg) => `"${arg.replace(/[\\"]/g, '\\$&')}"`,
  );
  writeFileSync(file, quoted.join('\n'), { mode: 0o600 });
  const ended = new Promise((resolve, reject) => {
    const child = spawn(java, [`@${file}`], { stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (said += data));
    child.once('error', reject);
    child.once('exit', (code) => (code === 0 ? resolve() : reject(new Error(`Kafka's folder could not be formatted: ${said}`))));
  });
  return ended.finally(() => rmSync(file, { force: true }));
}

/** A Kafka UUID: 16 bytes in base64url. It must not begin with a dash, which the tool takes for an option. */
function clusterId(folder) {
  const bytes = createHash('sha256').update(folder).digest().subarray(0, 16);
  bytes[0] &= 0x3f;
  return bytes.toString('base64url');
}

function accepts(port) {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
