/*
 * On servers that speak TLS alone, ask for a certificate and have people sign in, everything works that works on plain ones; and
 * nothing speaks to a server that cannot prove who it is, or without proving who it is itself.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { EndpointView } from '@communication-center/contracts';
import { brokerSettingsIn, brokersOf, EventLog } from '@communication-center/event-log';
import { endOf, eventually, Fleet, Phones, ringOf, type TestApp, WebhookReceiver } from '@communication-center/testing';
import { Redis } from 'ioredis';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { prepareCounting } from '../../../bench/price/counters.mjs';
import { Helper } from '../../../bench/price/helper.mjs';
import { startFleet } from '../../../tools/launcher/fleet.mjs';
import { makeCertificates } from '../../../tools/launcher/infrastructure/secured.mjs';
import { dataFolders, openInstance } from '../../../tools/launcher/instance.mjs';
import { secretsLeaked } from '../../../tools/launcher/secrets-kept.mjs';
import { kafkaSettings } from '../../../tools/launcher/services.mjs';
import { connectRedis } from './redis.js';

const root = resolve(import.meta.dirname, '../../..');
const instance = openInstance('secured');
const services = ['gateway', 'directory', 'calls', 'presence', 'webhooks'];
let running: { stop: () => Promise<void> };
let fleet: Fleet;
let phones: Phones;
let app: TestApp;
/** Of an authority that nobody here knows, with the right name; and of one for another name. */
let stranger: ReturnType<typeof makeCertificates>;

beforeAll(async () => {
  for (const folder of [...dataFolders(instance), join(instance.folder, 'secrets-told')]) rmSync(folder, { recursive: true, force: true });
  const overrides = () => ({ webhooks: { RETRY_SCHEDULE_SECONDS: '0,1,1,1' }, every: { KAFKA_SESSION_MS: '6000' } });
  running = await startFleet(instance, { isSecured: true, services, overrides });
  fleet = new Fleet(instance.stateFile);
  phones = new Phones(fleet);
  app = await fleet.makeApp();
  stranger = makeCertificates(join(instance.folder, 'stranger'));
}, 180_000);

afterAll(async () => {
  phones?.closeAll();
  await running?.stop();
  for (const folder of dataFolders(instance)) rmSync(folder, { recursive: true, force: true });
}, 60_000);

const kafka = (): Record<string, string> => kafkaSettings(fleet.state.servers);
const securedRedis = () => ({
  REDIS_URL: fleet.state.servers.redis,
  ...(fleet.state.servers as unknown as { secured: { redis: object } }).secured.redis,
});

/** Runs a command as an operator does. @returns its way out and what it said. */
async function run(args: string[], env: Record<string, string> = {}): Promise<{ code: number; said: string }> {
  const child = spawn(process.execPath, args, { cwd: root, env: { PATH: process.env.PATH, CENTER_INSTANCE: 'secured', ...env } });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (said += String(data)));
  const [code] = (await once(child, 'exit')) as [number];
  return { code, said };
}

test('people call each other, and an endpoint is told on its second attempt', async () => {
  const receiver = await WebhookReceiver.start();
  try {
    const endpoint = await fleet.rest<EndpointView>('POST', '/v1/webhook-endpoints', app.key, { url: receiver.url });
    receiver.secret = endpoint.body.secret ?? '';
    receiver.statuses.push(500);
    const [alice, bob] = [await phones.connect(app, 'alice'), await phones.connect(app, 'bob')];
    const call = await alice.center.call(['bob']);
    await (await ringOf(bob)).answer();
    await call.hangUp();
    await endOf(call);
    const isTold = () => receiver.received.some(({ body }) => body.type === 'call.ended');
    await eventually('the endpoint being told of the end', isTold, 20_000);
    expect(receiver.badSignatures).toEqual([]);
  } finally {
    await receiver.stop();
  }
});

test('every connection to PostgreSQL is encrypted, and shows its certificate', async () => {
  const rows = await fleet.query<{ name: string; ssl: boolean; who: string | null }>(
    'public',
    `SELECT application_name AS name, ssl, client_dn AS who FROM pg_stat_activity JOIN pg_stat_ssl USING (pid) WHERE client_addr IS NOT NULL`,
  );
  const ofServices = new Set(rows.map(({ name }) => /^communication-center (\w+)/.exec(name)?.[1]));
  expect([...ofServices]).toEqual(expect.arrayContaining(services));
  expect(rows.filter(({ ssl, who }) => !ssl || who !== '/CN=client')).toEqual([]);
});

describe('a command', () => {
  const createTopics = (env: Record<string, string>) => run([join(root, 'libs/event-log/dist/create-topics.js')], env);

  test('makes topics, and finds that they keep what they should', async () => {
    expect(await createTopics(kafka())).toEqual({ code: 0, said: '' });
  });

  test('tells of a topic that keeps otherwise than it should, and leaves it', async () => {
    const admin = new EventLog({ clientId: 'somebody', ...brokersOf(brokerSettingsIn(kafka())) }).admin();
    const change = (value: string) =>
      admin.alterConfigs({
        validateOnly: false,
        resources: [
          {
            type: 2,
            name: 'directory.events',
            configEntries: [
              { name: 'cleanup.policy', value: 'compact' },
              { name: 'delete.retention.ms', value: '604800000' },
              { name: 'max.compaction.lag.ms', value },
            ],
          },
        ],
      });
    await admin.connect();
    await change('9223372036854775807');
    const { code, said } = await createTopics(kafka());
    await change('86400000');
    await admin.disconnect();
    expect([code, said.trim()]).toEqual([
      0,
      'directory.events: max.compaction.lag.ms is 9223372036854775807, and should be 86400000: see docs/operations.md, Kafka',
    ]);
  });

  test.each(['plain', 'scram-sha-256', 'scram-sha-512'])('signs in at the brokers by %s', async (mechanism) => {
    expect(await createTopics({ ...kafka(), KAFKA_SASL_MECHANISM: mechanism })).toEqual({ code: 0, said: '' });
  });

  test('compares the store with the log', async () => {
    const { code, said } = await run([join(root, 'tools/check-log.mjs')]);
    expect(said).toMatch(/calls\.events: \d+ stored events compared, 0 missing/);
    expect(said).toContain('webhooks: 0 published within the hour compared, 0 missing');
    expect(code).toBe(0);
  });

  test('lists projections, and rebuilds one', async () => {
    const of = { CENTER_URL: fleet.url, OPERATOR_KEY: fleet.state.secrets.operatorKey };
    const { code, said } = await run([join(root, 'tools/rebuild.mjs'), 'calls', 'call-history'], of);
    expect([code, said]).toEqual([0, expect.stringContaining('rebuilt at')]);
  });

  test('measures', async () => {
    expect(await prepareCounting(fleet.state.servers, ['calls'])).toMatchObject({
      calls: { DATABASE_URL: expect.stringContaining('sslmode=verify-full') },
    });
    const floor = new Helper(join(root, 'bench/price/floor.mjs'));
    try {
      const { oneHop } = (await floor.ask('measure', { servers: fleet.state.servers, count: 3, rate: 50 })) as { oneHop: number[] };
      expect(oneHop.length).toBe(3);
    } finally {
      floor.end();
    }
  });
});

/** Certificates that do not match, or are not shown. */
const wrongs: [
  string,
  (files: { ca: string; cert: string; key: string }) => { ca?: string; cert?: string; key?: string; host?: string },
][] = [
  ['of another authority', (files) => ({ ...files, ca: stranger.ca })],
  ['for another name', (files) => ({ ...files, host: 'localhost' })],
  ['that is not shown by the client', ({ ca }) => ({ ca })],
  ['of a client of another authority', ({ ca }) => ({ ca, ...stranger.client })],
];

const refused = /certificate|altname|alert|self-signed|ECONNRESET|socket|closed/i;

/** @returns the right files, changed to wrong ones. */
function wrong(change: (typeof wrongs)[number][1]) {
  const { KAFKA_CA_FILE: ca = '', KAFKA_CERT_FILE: cert = '', KAFKA_KEY_FILE: key = '' } = kafka();
  return change({ ca, cert, key });
}

describe.each(wrongs)('a certificate %s is refused by', (_what, change) => {
  const files = () => wrong(change);
  test('PostgreSQL', async () => {
    const { ca, cert, key, host } = files();
    const url = new URL(fleet.state.servers.database);
    if (host) url.hostname = host;
    url.search = new URLSearchParams({
      sslmode: 'verify-full',
      sslrootcert: ca ?? '',
      ...(cert && key && { sslcert: cert, sslkey: key }),
    }).toString();
    const client = new pg.Client({ connectionString: url.href, connectionTimeoutMillis: 5000 });
    client.on('error', () => undefined);
    await expect(client.connect()).rejects.toThrow(refused);
  });

  test('Redis', async () => {
    const { ca, cert, key, host } = files();
    const url = new URL(fleet.state.servers.redis);
    if (host) url.hostname = host;
    const settings = { REDIS_URL: url.href, REDIS_CA_FILE: ca, REDIS_CERT_FILE: cert, REDIS_KEY_FILE: key };
    const redis = connectRedis(settings, { maxRetriesPerRequest: 0, retryStrategy: () => null, enableOfflineQueue: true });
    const failed = once(redis, 'error').then(([error]) => String(error));
    const answer = await Promise.race([redis.ping().catch(String), failed]);
    redis.disconnect();
    expect(answer).not.toBe('PONG');
    expect(answer).toMatch(refused);
  });
});

describe('without TLS nobody gets in', () => {
  test('at PostgreSQL', async () => {
    const url = new URL(fleet.state.servers.database);
    url.search = '';
    const client = new pg.Client({ connectionString: url.href, connectionTimeoutMillis: 5000 });
    await expect(client.connect()).rejects.toThrow(/no encryption/);
  });

  test('at Redis', async () => {
    const redis = new Redis(fleet.state.servers.redis.replace('rediss', 'redis'), { maxRetriesPerRequest: 0, retryStrategy: () => null });
    redis.on('error', () => undefined);
    await expect(redis.ping()).rejects.toThrow();
    redis.disconnect();
    // And with everything that is asked for, somebody does.
    const good = connectRedis(securedRedis(), { maxRetriesPerRequest: 1 });
    expect(await good.ping()).toBe('PONG');
    good.disconnect();
  });
});

test('Kafka refuses each of these, and is refused by us, all the same', async () => {
  const asks = async (settings: Record<string, string>) => {
    const admin = new EventLog({ clientId: 'stranger', ...brokersOf(brokerSettingsIn(settings)) }).admin();
    const outcome = await admin.connect().then(
      () => 'connected',
      (error: Error) => error.message,
    );
    await admin.disconnect();
    return outcome;
  };
  // The client tries for a quarter of a minute each time.
  const byCertificate = wrongs.map(async ([what, change]): Promise<[string, string]> => {
    const { ca = '', cert = '', key = '', host = '127.0.0.1' } = wrong(change);
    const settings = { ...kafka(), KAFKA_CA_FILE: ca, KAFKA_CERT_FILE: cert, KAFKA_KEY_FILE: key };
    return [what, await asks({ ...settings, KAFKA_BROKERS: fleet.state.servers.brokers.replace('127.0.0.1', host) })];
  });
  const byPassword = ['plain', 'scram-sha-512'].map(async (mechanism): Promise<[string, string]> => {
    return [mechanism, await asks({ ...kafka(), KAFKA_SASL_MECHANISM: mechanism, KAFKA_SASL_PASSWORD: 'a guess' })];
  });
  const [plain, certificates, passwords] = await Promise.all([
    asks({ KAFKA_BROKERS: fleet.state.servers.brokers }),
    Promise.all(byCertificate),
    Promise.all(byPassword),
  ]);
  expect(plain).not.toBe('connected');
  expect(certificates.filter(([, outcome]) => !refused.test(outcome))).toEqual([]);
  expect(passwords.filter(([, outcome]) => !/[Aa]uthentication|credentials/.test(outcome))).toEqual([]);
  expect(await asks(kafka())).toBe('connected');
});

test('no password of a server stands in a log or on a command line', () => {
  const { secured } = fleet.state.servers as unknown as { secured: { kafka: { KAFKA_SASL_PASSWORD: string } } };
  appendFileSync(join(instance.folder, 'secrets-told'), `${secured.kafka.KAFKA_SASL_PASSWORD}\n`);
  expect(secretsLeaked(instance)).toEqual([]);
});
