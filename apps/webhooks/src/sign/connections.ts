import { createHash } from 'node:crypto';
import type { ConnectionOptions } from 'node:tls';
import type { ClientCertificate } from '@communication-center/contracts';
import type { AddressGuard } from '@communication-center/service';
import { Agent } from 'undici';

/** Whose connections these are, and how the Center proves itself on them. */
interface Connected {
  endpointId: string;
  clientCertificate: ClientCertificate;
}

interface Kept {
  /** Of the certificate with which they are made. */
  proof: string;
  agent: Agent;
  weight: number;
}

/** What endpoints to which connections are kept weigh at most, in KB: some 5,000 without certificates. Who was sent to longest ago makes room. */
const mostKept = 20_000;
const weightOfAgent = 4;
/** Connections on which nothing was sent for so long, in milliseconds, are closed. */
const keptMs = 30_000;

/**
 * The connections to endpoints, each judged by the guard when it is made. Each endpoint has its own: on one host with others it waits for
 * none of theirs, and where the Center has proved itself for one endpoint, no message goes of another, whose owner could name the host.
 */
export class Connections {
  readonly #agents = new Map<string, Kept>();
  #weight = 0;

  constructor(
    private readonly guard: AddressGuard,
    private readonly most = mostKept,
  ) {}

  to({ endpointId, clientCertificate }: Connected): Agent {
    const proof = proofOf(clientCertificate);
    const known = this.#take(endpointId);
    if (known && known.proof !== proof) end(known.agent);
    const kept = known?.proof === proof ? known : this.#make(proof, clientCertificate);
    this.#agents.set(endpointId, kept);
    this.#weight += kept.weight;
    this.#makeRoom();
    return kept.agent;
  }

  /** Closes the connections of an endpoint: there is nothing to be sent to it now. What is under way is broken off. */
  async release(endpointId: string): Promise<void> {
    await this.#take(endpointId)?.agent.destroy();
  }

  async destroy(): Promise<void> {
    await Promise.all([...this.#agents.keys()].map((endpointId) => this.release(endpointId)));
  }

  #make(proof: string, clientCertificate: ClientCertificate): Kept {
    // As many as are wanted: how many that are, the endpoint's lane decides.
    const agent = new Agent({ connections: null, keepAliveTimeout: keptMs, connect: this.guard.connector(tlsOf(clientCertificate)) });
    const letters = Object.values(clientCertificate ?? {}).join('').length;
    return { proof, agent, weight: weightOfAgent + Math.ceil(letters / 1024) };
  }

  #take(endpointId: string): Kept | undefined {
    const kept = this.#agents.get(endpointId);
    this.#agents.delete(endpointId);
    this.#weight -= kept?.weight ?? 0;
    return kept;
  }

  #makeRoom(): void {
    for (const endpointId of this.#agents.keys()) {
      if (this.#weight <= this.most || this.#agents.size === 1) return;
      const oldest = this.#take(endpointId);
      if (oldest) end(oldest.agent);
    }
  }
}

/** What certificates come to, each of which is hashed once, however often it is used. */
const proofs = new WeakMap<object, string>();

function proofOf(clientCertificate: ClientCertificate): string {
  if (!clientCertificate) return '';
  const known = proofs.get(clientCertificate) ?? createHash('sha256').update(JSON.stringify(clientCertificate)).digest('base64');
  proofs.set(clientCertificate, known);
  return known;
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
