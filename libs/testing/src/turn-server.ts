import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from './eventually.js';
import { standInCertificate } from './push/certificate.js';

export interface TurnServerOptions {
  /** Where it listens on loopback: UDP and TCP, and TLS. */
  port: number;
  tlsPort: number;
  /** `static-auth-secret`: what it shares with whoever gives credentials for it. */
  secret: string;
}

/** A coturn of a test's own, which relays to the address of this machine that Janus has. */
export class TurnServer {
  readonly #child: ChildProcess;
  readonly #folder: string;
  #said = '';

  private constructor({ port, tlsPort, secret }: TurnServerOptions) {
    this.#folder = mkdtempSync(join(tmpdir(), 'turn-'));
    standInCertificate(this.#folder);
    const config = {
      ...{ 'listening-ip': '127.0.0.1', 'listening-port': port, 'tls-listening-port': tlsPort, 'relay-ip': addressHere() },
      ...{ 'min-port': 24_000, 'max-port': 24_199, realm: 'communication-center', 'static-auth-secret': secret },
      ...{ cert: join(this.#folder, 'push.pem'), pkey: join(this.#folder, 'push.key'), pidfile: join(this.#folder, 'pid') },
      ...{ userdb: join(this.#folder, 'users'), 'log-file': 'stdout' },
    };
    const flags = ['use-auth-secret', 'fingerprint', 'no-cli', 'no-dtls', 'verbose'];
    const lines = [...Object.entries(config).map(([name, value]) => `${name}=${value}`), ...flags];
    writeFileSync(join(this.#folder, 'turnserver.conf'), `${lines.join('\n')}\n`);
    this.#child = spawn('turnserver', ['-c', join(this.#folder, 'turnserver.conf')], { cwd: this.#folder });
    for (const stream of [this.#child.stdout, this.#child.stderr]) stream?.on('data', (data) => (this.#said += String(data)));
    this.#child.once('error', (error) => (this.#said += String(error)));
  }

  /** @throws Error with what it said, where it does not come up. */
  static async start(options: TurnServerOptions): Promise<TurnServer> {
    const server = new TurnServer(options);
    const isUp = () => /TLS\/TCP listener opened on|TLS\/SCTP|Total .*relay|IPv4. TLS/.test(server.#said);
    await eventually('coturn (Debian: apt-get install coturn) being up', isUp, 10_000).catch(async (error: unknown) => {
      await server.stop();
      throw new Error(`${String(error)}: ${server.#said.slice(-1000)}`);
    });
    return server;
  }

  /** How many places to relay from it gave, by its own word. */
  get allocations(): number {
    return this.#said.match(/ALLOCATE processed, success/g)?.length ?? 0;
  }

  /** @returns the path of a program that starts a browser which believes its certificate. */
  trustedBy(browser: string): string {
    const script = join(this.#folder, 'trusting');
    writeFileSync(script, `#!/bin/sh\nexec ${browser} "$@" --ignore-certificate-errors\n`);
    chmodSync(script, 0o700);
    return script;
  }

  async stop(): Promise<void> {
    const isOver = this.#child.exitCode !== null || this.#child.signalCode !== null || this.#child.pid === undefined;
    const over = isOver ? undefined : once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await over;
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** @returns the first address of this machine that is not loopback: Janus has no candidates on loopback. */
export function addressHere(): string {
  const addresses = Object.values(networkInterfaces()).flat();
  const found = addresses.find((address) => address && !address.internal && address.family === 'IPv4');
  if (!found) throw new Error('this machine has no network address besides loopback');
  return found.address;
}
