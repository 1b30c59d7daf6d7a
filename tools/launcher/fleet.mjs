import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { build, installPackages } from './build.mjs';
import { askControl, serveControl } from './control.mjs';
import { stopCompose } from './infrastructure/compose.mjs';
import { janusNames, startJanus } from './infrastructure/janus.mjs';
import { brokerNames, startKafka } from './infrastructure/kafka.mjs';
import { startPgbouncer } from './infrastructure/pgbouncer.mjs';
import { startPostgres } from './infrastructure/postgres.mjs';
import { startRedis } from './infrastructure/redis.mjs';
import { makeSecured } from './infrastructure/secured.mjs';
import { choosePorts, makeSecrets, readState, writeState } from './instance.mjs';
import { Lending } from './lending.mjs';
import { Refusal, say } from './output.mjs';
import { Processes, waitFor } from './processes.mjs';
import { isService, root } from './registry.mjs';
import { demoApp, maySeed, seedDemo } from './seed.mjs';
import { compileCache, kafkaSettings, pinnedNode, servicesOf } from './services.mjs';

const infrastructure = ['postgres', 'pgbouncer', 'redis', ...janusNames, 'far-line', ...brokerNames(3)];

/**
 * Starts a whole fleet: servers, build, schema, topics, services and the demo app.
 * @param {{fixedFrom?: number, replicas?: number, brokers?: number, far?: string[], pooled?: string[], services?: string[], overrides?: (ports: object, servers: object) => Promise<Record<string, Record<string, string>>> | Record<string, Record<string, string>>, databaseSettings?: Record<string, string>, isSecured?: boolean, isWatched?: boolean, keepsData?: boolean}} options
 *   `isSecured`: whether the servers that are started here speak TLS alone and ask who connects; `isWatched`: whether sources will change while it runs; `brokers`: of Kafka, 1 to 3; `far`: replicas that reach PostgreSQL and Kafka through the far line alone; `databaseSettings`: of a PostgreSQL that is started here, besides its own; `keepsData`: whether what the
 *   servers hold is wanted after the fleet's end.
 * @returns {Promise<{url: string, app?: string, demoKey?: string, stop: () => Promise<void>, ready: () => Promise<unknown>, processes: Processes}>}
 */
export async function startFleet(
  instance,
  {
    fixedFrom,
    replicas = 1,
    brokers = 1,
    far = [],
    pooled = [],
    services: wanted,
    overrides,
    databaseSettings,
    isSecured,
    isWatched,
    keepsData = true,
  } = {},
) {
  const running = await askControl(instance.controlSocket, 'GET', '/status');
  if (running) throw new AlreadyRunning(running);
  const processes = new Processes(instance);
  await processes.endLeftovers();
  const known = readState(instance);
  const ports = await choosePorts({ fixedFrom });
  const secrets = makeSecrets(known?.secrets);
  const state = {
    url: `http://127.0.0.1:${ports.gateway}`,
    mediaUrl: `ws://127.0.0.1:${ports.media}`,
    ...(maySeed(process.env) && { app: demoApp, demoKey: known?.demoKey }),
    ports,
    secrets,
    controlSocket: instance.controlSocket,
    replicas,
    brokers: process.env.KAFKA_BROKERS ? 0 : brokers,
  };
  writeState(instance, state);

  let stopping;
  let lending;
  let closeControl = () => undefined;
  const stop = () => {
    stopping ??= (async () => {
      await lending?.close();
      await processes.stopAll({ keepsData });
      if (instance.composed) stopCompose(instance, {});
      closeControl();
    })();
    return stopping;
  };
  try {
    closeControl = await serveControl(instance.controlSocket, (method, path) => control(method, path, { processes, state, stop, lending }));
    const servers = await bothOrNeither(
      startServers(instance, processes, { ...state, databaseSettings, secured: isSecured && makeSecured(instance) }, pooled),
      installPackages().then(build),
    );
    Object.assign(state, { servers });
    await createTopics(instance, servers);
    if (far.length > 0) startFarLine(processes, ports);
    say('starting the services');
    const settings = { ports, secrets, servers, replicas, far, pooled, overrides: await overrides?.(ports, servers) };
    const isWanted = ({ name }) => !wanted || wanted.includes(name.replace(/-\d+$/, ''));
    const started = (isCompiled) => servicesOf(instance, { ...settings, isWatched: isCompiled }).filter(isWanted);
    const services = started(isWatched);
    for (const service of services) processes.start(service);
    const ready = () => Promise.all(services.map((service) => waitUntilReady(service, processes)));
    await ready();
    if (!wanted || (wanted.includes('gateway') && wanted.includes('directory')))
      state.demoKey = await seedDemo(state.url, secrets.operatorKey, state.demoKey);
    writeState(instance, state);
    // One whose sources are watched restarts what is saved by itself.
    if (!isWatched) lending = new Lending(processes, { bundled: services, compiled: started(true) });
    return { ...state, processes, stop, services, ready };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Waits for both even when one fails, so that no npm or compiler is left half way. @returns what the first made. */
async function bothOrNeither(first, second) {
  const results = await Promise.allSettled([first, second]);
  const failed = results.find(({ status }) => status === 'rejected');
  if (failed) throw failed.reason;
  return results[0].value;
}

/** Says that the instance has a supervisor already. */
export class AlreadyRunning extends Refusal {
  constructor(status) {
    super(`It is running already at ${status.url}. npm run status tells more; npm stop ends it.`);
  }
}

async function startServers(instance, processes, state, pooled) {
  say('starting PostgreSQL, Redis, Kafka and Janus');
  // One after the other up to the start of each process (apt-get has one lock); the waits for readiness overlap.
  const [database, redis, kafka, janus] = await Promise.all([
    startPostgres(instance, processes, state),
    startRedis(instance, processes, state),
    startKafka(instance, processes, state),
    startJanus(instance, processes, state),
  ]);
  const pooler = pooled.length > 0 ? await startPgbouncer(instance, processes, state, database) : undefined;
  const secured = state.secured && { kafka: state.secured.kafka, redis: state.secured.redis };
  return { database, pooler, redis, brokers: kafka.addresses, replication: kafka.replication, janus, ...(secured && { secured }) };
}

const createTopics = (instance, servers) => runOnLog(instance, servers, 'create-topics');

/** Has the first broker alone keep the log from now on: what each of three copies costs is saved by whoever breaks no broker any more. */
export const keepOnOneBroker = (instance, servers) => runOnLog(instance, servers, 'keep-on-one-broker');

/** Runs one of the log's commands. */
async function runOnLog(instance, servers, command) {
  const child = spawn(pinnedNode, [join(root, `libs/event-log/dist/${command}.js`)], {
    env: { ...process.env, ...compileCache(instance), ...kafkaSettings(servers) },
    timeout: 60_000,
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (said += data));
  const code = await new Promise((resolve) => child.once('exit', resolve));
  if (code !== 0) throw new Error(`${command} failed: ${said}`);
}

function startFarLine(processes, ports) {
  const pairs = [
    [ports.farPostgres, ports.postgres],
    ...['', '-2', '-3'].map((one) => [ports[`farKafka${one}`], ports[`kafkaFarDoor${one}`]]),
  ];
  const args = [join(root, 'tools/launcher/far-line.mjs'), ...pairs.map((pair) => pair.join(':'))];
  processes.start({ name: 'far-line', command: pinnedNode, args });
}

function waitUntilReady({ name, readyUrl }, processes) {
  const check = async () => (await fetch(readyUrl, { signal: AbortSignal.timeout(2000) })).ok;
  return waitFor(name, check, { timeoutMs: 90_000, dead: () => processes.deathOf(name) });
}

async function control(method, path, { processes, state, stop, lending }) {
  const [, what, name, action, borrower] = path.split('/');
  if (method === 'GET' && what === 'status') {
    const shown = processes.status().map((one) => ({ ...one, isLent: lending?.isLent(one.name) ?? false }));
    return { url: state.url, app: state.app, demoKey: state.demoKey, pid: process.pid, processes: shown };
  }
  if (method === 'POST' && what === 'stop') {
    await stop();
    // The answer must leave before the process does.
    setTimeout(() => process.exit(0), 50);
    return {};
  }
  if (method === 'POST' && what === 'processes') {
    if (!infrastructure.includes(name) && !isService(name)) throw new Error(`no process is called ${name}`);
    if (action === 'kill') processes.signal(name, 'SIGKILL');
    else if (action === 'drain') processes.signal(name, 'SIGTERM');
    else if (action === 'freeze') processes.signal(name, 'SIGSTOP');
    else if (action === 'thaw') processes.signal(name, 'SIGCONT');
    else if (action === 'stop') await processes.stop(name, 'SIGKILL');
    else if (action === 'halt') await processes.stop(name);
    else if (action === 'start') processes.startAgain(name);
    else throw new Error(`unknown action ${action}`);
    return {};
  }
  if (method === 'POST' && what === 'services') {
    if (!lending) throw new Error('this fleet lends nothing: it is still starting, or npm run dev restarts all of it');
    if (action === 'lend') return { replicas: await lending.lend(name, Number(borrower)) };
    if (action === 'restart') return lending.restart(name);
    if (action === 'take-back') return lending.takeBack(name);
  }
  throw new Error(`unknown request ${method} ${path}`);
}
