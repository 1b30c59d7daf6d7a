import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { root } from '../instance.mjs';
import { Refusal, say } from '../output.mjs';
import { waitFor } from '../processes.mjs';
import { startInCompose } from './compose.mjs';
import { findProgram, provide } from './packages.mjs';

const variable = 'KAFKA_BROKERS';
const pom = join(root, 'deploy/kafka/pom.xml');

/** Starts a single broker in KRaft mode, or takes the configured ones. @returns their addresses. */
export async function startKafka(instance, processes, { ports }) {
  if (process.env[variable]) return process.env[variable];
  const brokers = `127.0.0.1:${ports.kafka}`;
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
  if (programs === 'compose') {
    startInCompose(instance, 'kafka', { KAFKA_PORT: String(ports.kafka) });
  } else {
    fetchBroker(instance, programs.maven);
    startBroker(instance, processes, programs.java, ports);
  }
  await waitFor('Kafka', () => accepts(ports.kafka), { timeoutMs: 90_000, dead: () => processes.deathOf('kafka') });
  return brokers;
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

function startBroker(instance, processes, java, ports) {
  const folder = join(instance.folder, 'kafka');
  mkdirSync(folder, { recursive: true });
  const config = join(folder, 'server.properties');
  const settings = {
    'process.roles': 'broker,controller',
    'node.id': 1,
    'controller.quorum.voters': `1@127.0.0.1:${ports.kafkaController}`,
    listeners: `PLAINTEXT://127.0.0.1:${ports.kafka},CONTROLLER://127.0.0.1:${ports.kafkaController}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${ports.kafka}`,
    'controller.listener.names': 'CONTROLLER',
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'log.dirs': join(folder, 'data'),
    'auto.create.topics.enable': false,
    'group.initial.rebalance.delay.ms': 0,
    'offsets.topic.replication.factor': 1,
    'offsets.topic.num.partitions': 8,
    'transaction.state.log.replication.factor': 1,
    'transaction.state.log.min.isr': 1,
    'log.segment.bytes': 67_108_864,
    'log.cleaner.dedupe.buffer.size': 16_777_216,
  };
  writeFileSync(
    config,
    Object.entries(settings)
      .map(([key, value]) => `${key}=${value}\n`)
      .join(''),
  );
  const jars = `${libraries(instance)}/*`;
  if (!existsSync(join(folder, 'data', 'meta.properties'))) {
    rmSync(join(folder, 'data'), { recursive: true, force: true });
    const id = clusterId(folder);
    const done = spawnSync(java, ['-cp', jars, 'kafka.tools.StorageTool', 'format', '-t', id, '-c', config], {
      encoding: 'utf8',
      timeout: 60_000,
    });
    if (done.status !== 0) throw new Error(`Kafka's folder could not be formatted: ${done.stderr || done.stdout}`);
  }
  const logging = `-Dlog4j2.configurationFile=${join(root, 'deploy/kafka/log4j2.properties')}`;
  const args = [
    '-Xms256m',
    '-Xmx512m',
    '-XX:+UseSerialGC',
    '-XX:TieredStopAtLevel=1',
    '-Xshare:auto',
    logging,
    '-cp',
    jars,
    'kafka.Kafka',
    config,
  ];
  processes.start({ name: 'kafka', command: java, args });
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
