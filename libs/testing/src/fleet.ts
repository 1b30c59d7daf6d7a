import { appendFileSync, readFileSync } from 'node:fs';
import { request } from 'node:http';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import type { ApiKeyView, AppOptions, AppSecretView, AppView, UserBody, UserTokenView } from '@communication-center/contracts';
import { type ServiceEntry, services } from '@communication-center/contracts/services';
import pg from 'pg';
import { eventually } from './eventually.js';
import type { StandInCertificate } from './push/certificate.js';

interface InstanceState {
  url: string;
  mediaUrl: string;
  ports: Record<string, number>;
  secrets: { operatorKey: string; janusSecret: string; jwks: { keys: object[] }; privateKeys: Record<string, object> };
  servers: { database: string; pooler?: string; redis: string; brokers: string; janus: string };
  controlSocket: string;
  replicas: number;
  /** How many brokers of Kafka were started; 0 when others' are used. */
  brokers: number;
}

/** A service, all its replicas: one of the registry. */
export type ServiceName = ServiceEntry['name'];
/** Every service of the registry. */
export const serviceNames: readonly ServiceName[] = services.map(({ name }) => name);
/** One process: a server, or a replica of a service, the first of which is named as the service. */
export type ProcessName = ServiceName | BrokerName | 'postgres' | 'pgbouncer' | 'redis' | 'janus' | 'janus-2' | 'far-line';
/** A broker of Kafka. */
export type BrokerName = 'kafka' | 'kafka-2' | 'kafka-3';
/** What can be done to a process, see {@link Fleet.control}. */
type ControlAction = 'kill' | 'drain' | 'freeze' | 'thaw' | 'stop' | 'halt' | 'start';

/** An answer of the public door. */
export interface RestAnswer<T> {
  status: number;
  body: T;
}

/** A tenant of its own, so that no test sees another's. */
export interface TestApp {
  appId: string;
  key: string;
  secret: AppSecretView;
}

let made = 0;

/** A running fleet: the one that `npm test` started, unless told. */
export class Fleet {
  readonly state: InstanceState;
  readonly #secretsTold: string;
  readonly #pools = new Map<string, pg.Pool>();
  readonly #folder: string;

  /** @param file what the fleet's supervisor wrote about itself. */
  constructor(file = process.env.CENTER_INSTANCE_FILE) {
    if (!file) throw new Error('CENTER_INSTANCE_FILE is not set: run the tests with npm test');
    this.state = JSON.parse(readFileSync(file, 'utf8')) as InstanceState;
    this.#folder = dirname(file);
    this.#secretsTold = join(this.#folder, 'secrets-told');
  }

  get url(): string {
    return this.state.url;
  }

  /** What those that stand in for the services of pushes show: the fleet trusts it. */
  get pushCertificate(): StandInCertificate {
    const [cert, key, file] = ['server.pem', 'server.key', 'ca.pem'].map((name) => join(this.#folder, 'push', name)) as [
      string,
      string,
      string,
    ];
    return { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8'), file };
  }

  /** Notes secrets that a test made up: when the run ends, they are looked for in the logs. */
  noteSecrets(...secrets: string[]): void {
    appendFileSync(this.#secretsTold, `${secrets.flatMap((secret) => secret.split('\n')).join('\n')}\n`, { mode: 0o600 });
  }

  /** Asks the public door. */
  async rest<T = Record<string, unknown>>(
    method: string,
    path: string,
    key?: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<RestAnswer<T>> {
    const raw = typeof body === 'string' ? body : JSON.stringify(body);
    const response = await fetch(new URL(path, this.url), {
      method,
      headers: {
        ...headers,
        ...(key && { authorization: `Bearer ${key}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: raw }),
      signal: AbortSignal.timeout(20_000),
    });
    const text = await response.text();
    const answered = (text ? JSON.parse(text) : undefined) as T;
    this.#noteSecrets(answered);
    return { status: response.status, body: answered };
  }

  /** Makes an app, a key with every scope, and a signing secret. */
  async makeApp(app: Partial<Pick<AppView, 'trustsBareAlias'>> & { options?: Partial<AppOptions> } = {}): Promise<TestApp> {
    made += 1;
    const appId = `t${process.pid}-${Date.now().toString(36)}-${made}`;
    const operator = this.state.secrets.operatorKey;
    await this.#must(this.rest('PUT', `/v1/apps/${appId}`, operator, { name: appId, trustsBareAlias: true, ...app }));
    const scopes = ['admin', 'users', 'tokens', 'calls', 'presence', 'webhooks', 'notifications'];
    const key = await this.#must(this.rest<ApiKeyView>('POST', `/v1/apps/${appId}/api-keys`, operator, { name: 'test', scopes }));
    const secret = await this.#must(this.rest<AppSecretView>('POST', `/v1/apps/${appId}/secrets`, operator, {}));
    return { appId, key: key.secret ?? '', secret };
  }

  /** Notes what an answer tells of secrets: when the run ends, they are looked for in the logs. */
  #noteSecrets(answered: unknown): void {
    const told = secretsIn(answered);
    if (told.length > 0) appendFileSync(this.#secretsTold, `${told.join('\n')}\n`, { mode: 0o600 });
  }

  async makeUser(app: TestApp, userAlias: string, user: Partial<UserBody> = {}): Promise<void> {
    await this.#must(this.rest('PUT', `/v1/users/${encodeURIComponent(userAlias)}`, app.key, user));
  }

  async tokenOf(app: TestApp, userAlias: string): Promise<string> {
    return (await this.#must(this.rest<UserTokenView>('POST', '/v1/user-tokens', app.key, { userAlias }))).token;
  }

  /** The brokers of this fleet. */
  get brokers(): BrokerName[] {
    return (['kafka', 'kafka-2', 'kafka-3'] as const).slice(0, this.state.brokers);
  }

  /** Does the same to all brokers: without them there is no log. */
  async controlBrokers(action: ControlAction): Promise<void> {
    await Promise.all(this.brokers.map((broker) => this.control(broker, action)));
  }

  /**
   * Kills (-9), drains (SIGTERM), freezes, thaws, stops (-9), halts (SIGTERM) or starts a process. A killed or drained one is
   * started again by its supervisor; a stopped or halted one is not.
   */
  async control(name: ProcessName, action: ControlAction): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const asked = request({ socketPath: this.state.controlSocket, method: 'POST', path: `/processes/${name}/${action}` }, (answer) => {
        answer.resume();
        answer.on('end', () => (answer.statusCode === 200 ? resolve() : reject(new Error(`${action} ${name} failed`))));
      });
      asked.on('error', reject);
      asked.end();
    });
  }

  /** @returns what became of a process: `running`, or `stopped` and its way out. */
  async fateOf(name: ProcessName): Promise<string | undefined> {
    return (await this.statusOf(name))?.state;
  }

  /** @returns what the supervisor says of a process. */
  async statusOf(name: ProcessName): Promise<{ pid: number; state: string } | undefined> {
    const text = await new Promise<string>((resolve, reject) => {
      const asked = request({ socketPath: this.state.controlSocket, path: '/status' }, (answer) => {
        let body = '';
        answer.on('data', (part) => (body += String(part)));
        answer.on('end', () => resolve(body));
      });
      asked.on('error', reject);
      asked.end();
    });
    const { processes } = JSON.parse(text) as { processes: { name: string; state: string; pid: number }[] };
    return processes.find((process) => process.name === name);
  }

  /** Ends a broker, by force or politely, and waits until its successor serves: its supervisor starts one. */
  async restartBroker(broker: BrokerName, how: 'kill' | 'drain'): Promise<void> {
    const before = await this.statusOf(broker);
    await this.control(broker, how);
    const isAnother = async () => {
      const now = await this.statusOf(broker);
      return now?.state === 'running' && now.pid !== before?.pid;
    };
    await eventually(`another ${broker} being started`, isAnother, 30_000);
    await eventually(`${broker} being open`, () => accepts(this.state.ports[broker] ?? 0), 30_000);
  }

  /** @returns the replicas of a service that this fleet runs. */
  replicasOf(service: ServiceName): ProcessName[] {
    return this.state.replicas > 1 ? [service, `${service}-2`] : [service];
  }

  /** Waits until every replica of a service can serve. */
  async ready(service: ServiceName, timeoutMs = 40_000): Promise<void> {
    for (const replica of this.replicasOf(service)) await this.replicaReady(replica, timeoutMs);
  }

  /** Waits until one replica can serve. */
  async replicaReady(replica: ProcessName, timeoutMs = 40_000): Promise<void> {
    const check = async () => (await fetch(`${this.urlOf(replica)}/health/ready`, { signal: AbortSignal.timeout(1000) })).ok;
    await eventually(`${replica} being ready`, check, timeoutMs);
  }

  /** Reads what a replica says of itself: whether it is ready, and of what in it. */
  async readinessOf(replica: ProcessName): Promise<{ status: number; details: Record<string, Record<string, unknown>> }> {
    const response = await fetch(`${this.urlOf(replica)}/health/ready`, { signal: AbortSignal.timeout(5000) });
    return { status: response.status, details: ((await response.json()) as { details: Record<string, Record<string, unknown>> }).details };
  }

  /** Reads a replica's figures, as Prometheus does. @returns them by name and labels, in braces, without the service's own. */
  async figuresOf(replica: ProcessName): Promise<Map<string, number>> {
    const text = await (await fetch(`${this.urlOf(replica)}/metrics`, { signal: AbortSignal.timeout(5000) })).text();
    const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    return new Map(
      lines.map((line) => [
        line
          .slice(0, line.lastIndexOf(' '))
          .replace(/,?service="[^"]*"/, '')
          .replace('{}', ''),
        Number(line.split(' ').at(-1)),
      ]),
    );
  }

  /** Kills every replica of a service (-9) and waits until their successors serve. */
  async killAndAwait(service: ServiceName): Promise<void> {
    const replicas = this.replicasOf(service);
    await Promise.all(replicas.map((replica) => this.control(replica, 'kill')));
    const gone = (replica: ProcessName) => () =>
      fetch(`${this.urlOf(replica)}/health/live`, { signal: AbortSignal.timeout(500) }).then(
        () => false,
        () => true,
      );
    await Promise.all(replicas.map((replica) => eventually(`${replica} being dead`, gone(replica))));
    await this.ready(service);
  }

  /** Has the operator rebuild a projection, and waits until it is done. */
  async rebuild(service: ServiceName, projection: string): Promise<{ folded: number }> {
    const operator = this.state.secrets.operatorKey;
    const begun = await this.rest('POST', `/v1/operations/${service}/projections/${projection}/rebuild`, operator, {});
    if (begun.status !== 202) throw new Error(`The rebuild was not begun: ${begun.status} ${JSON.stringify(begun.body)}`);
    return eventually(`${projection} being rebuilt`, async () => {
      type Answer = { projections: { name: string; rebuild: { state: string; folded: number } | null }[] };
      const { body } = await this.rest<Answer>('GET', `/v1/operations/${service}/projections`, operator);
      const rebuild = body.projections.find(({ name }) => name === projection)?.rebuild;
      if (rebuild?.state === 'failed') throw new Error(`The rebuild failed: ${JSON.stringify(rebuild)}`);
      return rebuild?.state === 'done' && rebuild;
    });
  }

  /** @returns where a replica answers other services. */
  urlOf(replica: ProcessName): string {
    const [service = '', number] = replica.split('-');
    const entry = services.find(({ name }) => name === service);
    if (!entry) throw new Error(`no service of the registry is called ${service}`);
    const part = entry.door ? `${service}Internal` : service;
    return `http://127.0.0.1:${this.state.ports[number ? `${part}-${number}` : part]}`;
  }

  /** Reads a service's own schema. */
  async query<R>(schema: string, text: string, values: unknown[] = []): Promise<R[]> {
    return (await this.#poolOf(schema).query(text, values)).rows as R[];
  }

  #poolOf(schema: string): pg.Pool {
    const known = this.#pools.get(schema);
    if (known) return known;
    const pool = new pg.Pool({
      connectionString: this.state.servers.database,
      options: `-c search_path=${schema}`,
      application_name: 'test',
      max: 2,
      idleTimeoutMillis: 1000,
      allowExitOnIdle: true,
    });
    pool.on('error', () => undefined);
    this.#pools.set(schema, pool);
    return pool;
  }

  async #must<T>(asked: Promise<RestAnswer<T>>): Promise<T> {
    const { status, body } = await asked;
    if (status >= 400) throw new Error(`The Center answered ${status}: ${JSON.stringify(body)}`);
    return body;
  }
}

/** How fields of answers are called that are secrets. */
const secretFields = new Set(['secret', 'token', 'password']);

/** @returns the secrets in an answer, however deep. */
function secretsIn(answered: unknown): string[] {
  if (typeof answered !== 'object' || answered === null) return [];
  return Object.entries(answered).flatMap(([name, value]) =>
    typeof value === 'string' ? (secretFields.has(name) ? [value] : []) : secretsIn(value),
  );
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', timeout: 1000 });
    const end = (isOpen: boolean) => () => {
      socket.destroy();
      resolve(isOpen);
    };
    socket.once('connect', end(true)).once('error', end(false)).once('timeout', end(false));
  });
}
