import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/*
 * Servers that speak TLS alone, ask for a client certificate, and have people sign in: as a managed PostgreSQL, Redis and Kafka do.
 * For tests: who may be connected to is proven on these.
 */

function openssl(folder, args) {
  const done = spawnSync('openssl', args, { cwd: folder, encoding: 'utf8' });
  if (done.status !== 0) throw new Error(`openssl ${args[0]} failed: ${done.stderr || done.error?.message}`);
}

const keyArgs = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

/**
 * Makes an authority, and a certificate of it for a server and one for a client, each good for a few days.
 * @param {string} folder where they go: `ca.pem`, `server.pem`, `server.key`, `client.pem`, `client.key`.
 * @param {string} [server] whom the server's names, as openssl writes it.
 * @returns the paths of `ca`, and of the `cert` and `key` of the server and of the client.
 */
export function makeCertificates(folder, server = 'IP:127.0.0.1') {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  openssl(folder, ['req', '-x509', ...keyArgs, '-keyout', 'ca.key', '-out', 'ca.pem', '-days', '3', '-subj', '/CN=an authority of a test']);
  for (const [whose, names] of [
    ['server', server],
    ['client', 'DNS:center'],
  ]) {
    writeFileSync(join(folder, `${whose}.ext`), `subjectAltName=${names}\n`);
    openssl(folder, ['req', ...keyArgs, '-keyout', `${whose}.key`, '-out', `${whose}.csr`, '-subj', `/CN=${whose}`]);
    openssl(folder, [
      ...['x509', '-req', '-in', `${whose}.csr`, '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial'],
      ...['-out', `${whose}.pem`, '-days', '3', '-extfile', `${whose}.ext`],
    ]);
  }
  const pairOf = (whose) => ({ cert: join(folder, `${whose}.pem`), key: join(folder, `${whose}.key`) });
  return { ca: join(folder, 'ca.pem'), server: pairOf('server'), client: pairOf('client') };
}

/** @returns what the servers of an instance, and whoever connects to them, need: certificates, and a name and a password for Kafka. */
export function makeSecured(instance) {
  const certificates = makeCertificates(join(instance.folder, 'certificates'));
  const password = randomBytes(24).toString('hex');
  const { ca, client } = certificates;
  const files = (prefix) => ({ [`${prefix}_CA_FILE`]: ca, [`${prefix}_CERT_FILE`]: client.cert, [`${prefix}_KEY_FILE`]: client.key });
  return {
    certificates,
    password,
    kafka: {
      KAFKA_SSL: 'true',
      ...files('KAFKA'),
      KAFKA_SASL_MECHANISM: 'scram-sha-512',
      KAFKA_SASL_USERNAME: 'center',
      KAFKA_SASL_PASSWORD: password,
    },
    redis: files('REDIS'),
  };
}

/** @returns how an address of PostgreSQL says all that. */
export function securedDatabase(url, { certificates: { ca, client } }) {
  const secured = new URL(url);
  secured.search = new URLSearchParams({ sslmode: 'verify-full', sslrootcert: ca, sslcert: client.cert, sslkey: client.key });
  return secured.href;
}

/** What a broker is told of its one door for clients, which is called `name`; brokers sign in at each other there, too. */
export function securedBroker(folder, name, { certificates: { ca, server }, password }) {
  const keys = join(folder, 'server.pem');
  writeFileSync(keys, readFileSync(server.key, 'utf8') + readFileSync(server.cert, 'utf8'), { mode: 0o600 });
  const door = (setting) => `listener.name.${name.toLowerCase()}.${setting}`;
  const scram = 'org.apache.kafka.common.security.scram.ScramLoginModule required;';
  const plain = `org.apache.kafka.common.security.plain.PlainLoginModule required username="center" password="${password}" user_center="${password}";`;
  return {
    'ssl.keystore.type': 'PEM',
    'ssl.keystore.location': keys,
    'ssl.truststore.type': 'PEM',
    'ssl.truststore.location': ca,
    'ssl.client.auth': 'required',
    [door('ssl.client.auth')]: 'required',
    [door('sasl.enabled.mechanisms')]: 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512',
    [door('plain.sasl.jaas.config')]: plain,
    [door('scram-sha-256.sasl.jaas.config')]: scram,
    [door('scram-sha-512.sasl.jaas.config')]: scram,
    'sasl.mechanism.inter.broker.protocol': 'PLAIN',
  };
}

/** What a broker's folder is formatted with, so that it knows who signs in. */
export function securedFormat({ password }) {
  return ['SCRAM-SHA-256', 'SCRAM-SHA-512'].flatMap((mechanism) => ['--add-scram', `${mechanism}=[name=center,password=${password}]`]);
}
