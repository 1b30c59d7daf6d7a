import type { ConnectionOptions } from 'node:tls';
import type { ClientCertificate } from '@communication-center/contracts';
import type { AddressGuard } from '@communication-center/service';
import { Agent } from 'undici';

/** Whose connections these are, and how the Center proves itself on them. */
interface Connected {
  endpointId: string;
  clientCertificate: ClientCertificate;
}

/** Endpoints with certificates of their own to which connections are kept; who was sent to longest ago makes room. */
const mostKept = 500;
const keepAliveTimeout = 30_000;

/** @returns what TLS towards an endpoint needs beside the world's authorities. */
export function tlsOf(clientCertificate: ClientCertificate): ConnectionOptions {
  if (!clientCertificate) return {};
  const { certificate, privateKey, serverAuthority } = clientCertificate;
  return { cert: certificate, key: privateKey, ...(serverAuthority && { ca: serverAuthority }) };
}

/**
 * The connections to endpoints, each judged by the guard when it is made. An endpoint with a certificate has its own: one on which the
 * Center has proved itself for one endpoint never carries a message of another, whose owner could name the same host.
 */
export class Connections {
  readonly #shared: Agent;
  readonly #own = new Map<string, { certificate: string; privateKey: string; serverAuthority: string | undefined; agent: Agent }>();

  constructor(private readonly guard: AddressGuard) {
    // No limit for a host: endpoints of many apps may be on one, and each has a limit of its own in its lane.
    this.#shared = new Agent({ connections: null, keepAliveTimeout, connect: guard.connector() });
  }

  to({ endpointId, clientCertificate }: Connected): Agent {
    if (!clientCertificate) return this.#shared;
    const { certificate, privateKey, serverAuthority } = clientCertificate;
    const known = this.#own.get(endpointId);
    this.#own.delete(endpointId);
    const isSame =
      known?.certificate === certificate && known.privateKey === privateKey && known.serverAuthority === serverAuthority;
    if (known && !isSame) this.#end(known.agent);
    const agent =
      known && isSame ? known.agent : new Agent({ connections: null, keepAliveTimeout, connect: this.guard.connector(tlsOf(clientCertificate)) });
    this.#own.set(endpointId, { certificate, privateKey, serverAuthority, agent });
    this.#makeRoom();
    return agent;
  }

  async destroy(): Promise<void> {
    await Promise.all([this.#shared, ...[...this.#own.values()].map(({ agent }) => agent)].map((agent) => agent.destroy()));
  }

  #makeRoom(): void {
    for (const [endpointId, { agent }] of this.#own) {
      if (this.#own.size <= mostKept) return;
      this.#own.delete(endpointId);
      this.#end(agent);
    }
  }

  /** What is under way on them goes on to its end. */
  #end(agent: Agent): void {
    agent.close().catch(() => undefined);
  }
}
