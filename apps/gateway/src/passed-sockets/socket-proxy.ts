import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Subject } from '@communication-center/contracts';
import {
  currentTraceparent,
  Identity,
  ProblemError,
  placeOn,
  Report,
  type ReportError,
  requireSignIn,
  Settings,
} from '@communication-center/service';
import { FairShare } from '@communication-center/service/fair-share';
import { Inject, Injectable } from '@nestjs/common';
import { Authenticator } from '../authenticator.js';
import { Clients } from '../clients.js';
import { Places } from '../domain/places.js';
import type { Owner } from '../public-door/routes.js';
import { noPlace, whoseShare } from '../public-door/turns.js';
import { Services } from '../services.js';
import type { GatewaySettings } from '../settings.js';
import { closeCodes } from '../sockets/socket-owner.js';
import { askToUpgrade, type UpgradeAnswer } from './ask-to-upgrade.js';
import { credentialOf, handshakeFor, handshakeOf, requireHandshake } from './handshake.js';
import { head, passRefusal, refuseUpgrade } from './refuse-upgrade.js';
import { SocketTunnel } from './socket-tunnel.js';

type Limits = Pick<GatewaySettings, 'MAX_PASSED_SOCKETS' | 'PASSED_SOCKETS_PER_APP' | 'SOCKET_ANSWER_MS' | 'SOCKET_SILENCE_MS'>;

/**
 * Passes WebSockets on to the services that own their paths, with a token that says in whose name. The service takes the socket or
 * refuses it; after that bytes go both ways, until one side ends, the credential is good no longer, or this gateway stops.
 */
@Injectable()
export class SocketProxy {
  readonly #open = new Set<SocketTunnel>();
  readonly #places: Places;
  #isDraining = false;

  constructor(
    private readonly services: Services,
    private readonly identity: Identity,
    private readonly authenticator: Authenticator,
    private readonly clients: Clients,
    private readonly shares: FairShare,
    @Inject(Settings) private readonly limits: Limits,
    @Inject(Report) private readonly report: ReportError,
  ) {
    this.#places = new Places(limits.MAX_PASSED_SOCKETS, limits.PASSED_SOCKETS_PER_APP);
  }

  /** Answers an HTTP upgrade. */
  async upgrade(owner: Owner, request: IncomingMessage, socket: Socket, first: Buffer): Promise<void> {
    const gone = new AbortController();
    socket.once('close', () => gone.abort());
    socket.on('error', () => socket.destroy());
    try {
      requireHandshake(request);
      const place = this.clients.placeOf(request);
      const credential = credentialOf(request.headers);
      const from = { address: this.clients.countedAddressOf(request) };
      const held = await this.authenticator.whoseLasting(credential, request, from);
      const { subject } = held;
      requireSignIn(place);
      await this.shares.require('sockets', { subject, ...from });
      await this.#inPlace(subject, async () => {
        const { answer, taken } = await this.#ask(owner, request, subject, gone.signal);
        if (!taken) return passRefusal(socket, answer);
        const lasting = this.authenticator.whileGood(credential, request, held);
        socket.write(head(101, { upgrade: 'websocket', connection: 'Upgrade', ...handshakeOf(answer.headers) }));
        if (first.length > 0) socket.unshift(first);
        if (taken.head.length > 0) taken.socket.unshift(taken.head);
        const tunnel = new SocketTunnel(socket, taken.socket, this.limits.SOCKET_SILENCE_MS);
        await this.#passOn(tunnel, lasting);
      });
    } catch (error) {
      if (gone.signal.aborted) return;
      if (!(error instanceof ProblemError)) this.report(error, 'passing a socket on');
      refuseUpgrade(socket, error instanceof ProblemError ? error : new ProblemError('internal_error'));
    }
  }

  /** Sends every client away, to another gateway. */
  stop(): void {
    this.#isDraining = true;
    for (const tunnel of this.#open) tunnel.close(closeCodes.restarting, 'draining');
  }

  async #inPlace(subject: Subject, work: () => Promise<void>): Promise<void> {
    const whose = whoseShare(subject);
    const lacks = this.#isDraining ? 'place' : this.#places.lacks(whose);
    if (lacks || !this.#places.take(whose)) throw noPlace(lacks, 'sockets');
    try {
      await work();
    } finally {
      this.#places.giveBack(whose);
    }
  }

  async #ask(owner: Owner, request: IncomingMessage, subject: Subject, gone: AbortSignal): Promise<UpgradeAnswer> {
    const traceparent = currentTraceparent();
    const headers = {
      ...handshakeFor(request.headers),
      authorization: `Bearer ${await this.identity.sign(owner.service, subject)}`,
      ...(traceparent && { traceparent }),
    };
    const replicas = this.services.replicasOf(owner.service);
    try {
      return await replicas.reach((url) => askToUpgrade(placeOn(url, owner.path), headers, this.limits.SOCKET_ANSWER_MS, gone));
    } catch (cause) {
      throw new ProblemError('service_unavailable', `The ${owner.service} service does not answer`, { cause });
    }
  }

  async #passOn(tunnel: SocketTunnel, lasting: { revoked: AbortSignal; end: () => void }): Promise<void> {
    this.#open.add(tunnel);
    // It was let in before the drain began and is here only now.
    if (this.#isDraining) tunnel.close(closeCodes.restarting, 'draining');
    lasting.revoked.addEventListener('abort', () => tunnel.close(closeCodes.unauthenticated, 'unauthenticated'));
    try {
      await tunnel.over;
    } finally {
      lasting.end();
      this.#open.delete(tunnel);
    }
  }
}
