import type { ConnectionOptions } from 'node:tls';
import type { ClientCertificate } from '@communication-center/contracts';
import type { AddressGuard } from '@communication-center/service';
import { Agent } from 'undici';

/** Whose connections these are, and how the Center proves itself on them. */
interface Connected {
  endpointId: string;
  clientCertificate: ClientCertificate;
}

/** Endpoints to which connections are kept at most; who was sent to longest ago makes room. */
const mostKept = 5000;
/** Connections on which nothing was sent for so long, in milliseconds, are closed. */
const keptMs = 30_000;

/**
 * The connections to endpoints, each judged by the guard when it is made. Each endpoint has its own: on one host with others it waits for
 * none of theirs, and where the Center has proved itself for one endpoint, no message goes of another, whose owner could name the host.
 */
export class Connections {
  readonly #agents = new Map<string, { for: string; agent: Agent }>();

  constructor(private readonly guard: AddressGuard) {}

  to({ endpointId, clientCertificate }: Connected): Agent {
    const proof = JSON.stringify(clientCertificate);
    const known = this.#agents.get(endpointId);
    this.#agents.delete(endpointId);
    if (known && known.for !== proof) end(known.agent);
    const agent = known?.for === proof ? known.agent : this.#agentWith(clientCertificate);
    this.#agents.set(endpointId, { for: proof, agent });
    this.#makeRoom();
    return agent;
  }

  /** Closes the connections of an endpoint: there is nothing to be sent to it now. What is under way is broken off. */
  async release(endpointId: string): Promise<void> {
    const known = this.#agents.get(endpointId);
    this.#agents.delete(endpointId);
    await known?.agent.destroy();
  }

  async destroy(): Promise<void> {
    await Promise.all([...this.#agents.keys()].map((endpointId) => this.release(endpointId)));
  }

  #agentWith(clientCertificate: ClientCertificate): Agent {
    // As many as are wanted: how many that are, the endpoint's lane decides.
    return new Agent({ connections: null, keepAliveTimeout: keptMs, connect: this.guard.connector(tlsOf(clientCertificate)) });
  }

  #makeRoom(): void {
    for (const [endpointId, { agent }] of this.#agents) {
      if (this.#agents.size <= mostKept) return;
      this.#agents.delete(endpointId);
      end(agent);
    }
  }
}

/** @returns what TLS towards an endpoint needs beside the world's authorities. */
function tlsOf(clientCertificate: ClientCertificate): ConnectionOptions {
  if (!clientCertificate) return {};
  const { certificate, privateKey, serverAuthority } = clientCertificate;
  return { cert: certificate, key: privateKey, ...(serverAuthority && { ca: serverAuthority }) };
}

/** What is under way goes on to its end. */
function end(agent: Agent): void {
  agent.close().catch(() => undefined);
}
