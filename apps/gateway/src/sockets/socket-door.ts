import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type ServerFrame, type SessionId, type Subject, socketSubprotocol } from '@communication-center/contracts';
import {
  type ClientPlace,
  type Endings,
  inSpan,
  type LineLog,
  Log,
  limitBeforeSignIn,
  noteInTrace,
  ProblemError,
  Report,
  type ReportError,
  requireSignIn,
  Settings,
  tellFigure,
} from '@communication-center/service';
import { FairShare } from '@communication-center/service/fair-share';
import { Inject, Injectable } from '@nestjs/common';
import { v7 as uuidv7 } from 'uuid';
import { type WebSocket, WebSocketServer } from 'ws';
import { Authenticator } from '../authenticator.js';
import { Clients } from '../clients.js';
import { CredentialEnds, type Door } from '../credential-ends.js';
import { type CommandFrame } from '../domain/frame-lanes.js';
import { refuseUpgrade } from '../passed-sockets/refuse-upgrade.js';
import { AllowedOrigins, type Page } from '../public-door/allowed-origins.js';
import { HeldBack } from '../public-door/held-back.js';
import type { GatewaySettings } from '../settings.js';
import { AnswerFrames } from './answer-frames.js';
import { BeatingSockets } from './beating-sockets.js';
import { CarryOut } from './carry-out.js';
import { DeviceSessions } from './device-sessions.js';
import { DeviceSocket } from './device-socket.js';
import { Snapshots } from './snapshots.js';
import { type ConnectFrame, closeCodes, type Device, type DialedEvent, type RefreshFrame, type SocketOwner } from './socket-owner.js';
import { SocketRouter } from './socket-router.js';
import { Watchers } from './watchers.js';

const socketPath = '/v1/socket';
/** Frames over the protocol's limit are still read, of who has signed in, so that they can be refused by name. */
const mostReadBytes = 2_097_152;

interface Opener {
  page: Page | undefined;
  address: string;
}

/** Lets client sockets in, serves them, and records each as a session under this gateway's lease. */
@Injectable()
export class SocketDoor implements SocketOwner, Door {
  readonly #server: WebSocketServer;
  readonly #sockets = new BeatingSockets<DeviceSocket>();
  /** Who opened each, until it has connected: a page names its origin. */
  readonly #openedBy = new WeakMap<DeviceSocket, Opener>();
  /** Of each that has not signed in: its place among those of its address. */
  readonly #places = new WeakMap<DeviceSocket, ClientPlace>();
  /** Those whose sessions others closed. */
  readonly #expelled = new WeakSet<DeviceSocket>();
  #draining = false;

  constructor(
    private readonly clients: Clients,
    private readonly router: SocketRouter,
    private readonly authenticator: Authenticator,
    private readonly origins: AllowedOrigins,
    private readonly ends: CredentialEnds,
    private readonly snapshots: Snapshots,
    private readonly commands: CarryOut,
    private readonly sessions: DeviceSessions,
    private readonly frames: AnswerFrames,
    private readonly watchers: Watchers,
    private readonly shares: FairShare,
    private readonly heldBack: HeldBack,
    @Inject(Settings) private readonly settings: GatewaySettings,
    @Inject(Report) private readonly report: ReportError,
    @Inject(Log) private readonly log: LineLog,
  ) {
    tellFigure('open_sockets', 'Client sockets that are open at this process', () => this.#sockets.size);
    this.#server = new WebSocketServer({
      noServer: true,
      maxPayload: mostReadBytes,
      perMessageDeflate: false,
      // They are kept here.
      clientTracking: false,
      handleProtocols: () => socketSubprotocol,
    });
  }

  async start(): Promise<void> {
    this.ends.include(this);
    this.ends.include(this.watchers);
    await this.router.start();
    await this.watchers.start();
    await this.sessions.start(() => this.#expel());
    this.#sockets.start(this.settings.HEARTBEAT_MS);
  }

  /** Sends every client away, to another gateway, and records that their sessions here are over. */
  async stop(): Promise<void> {
    this.#draining = true;
    this.#sockets.stop();
    for (const socket of this.#sockets) {
      socket.send({ type: 'draining' });
      socket.close(closeCodes.restarting, 'draining');
    }
    await this.sessions.stop('gateway_drained');
    await this.router.stop();
    await this.watchers.stop();
  }

  /** Answers an HTTP upgrade (RFC 6455 §4.2). */
  async upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    // A listener of its own scope: one made here would keep the request for as long as the socket lives.
    socket.on('error', endOnError);
    const path = request.url?.split('?')[0];
    const offered = request.headers['sec-websocket-protocol']?.split(',').map((name) => name.trim()) ?? [];
    if (path !== socketPath) return refuseUpgrade(socket, new ProblemError('not_found', `Sockets are at ${socketPath}`));
    if (!offered.includes(socketSubprotocol))
      return refuseUpgrade(socket, new ProblemError('unsupported_protocol', `Offer the subprotocol ${socketSubprotocol}`));
    if (!(await this.origins.mayAskAtAll(request)))
      return refuseUpgrade(socket, new ProblemError('forbidden', `Pages of ${request.headers.origin} may not open sockets here`));
    if (this.#draining || this.#sockets.size >= this.settings.MAX_SOCKETS) {
      return refuseUpgrade(socket, new ProblemError('service_unavailable', 'This gateway takes no more sockets'));
    }
    const place = this.clients.placeOf(request);
    this.#server.handleUpgrade(request, socket, head, (webSocket: WebSocket) => {
      socket.removeListener('error', endOnError);
      const opened = new DeviceSocket(webSocket, this, this.settings, socket);
      limitBeforeSignIn(socket, () => opened.device !== undefined);
      // Of the request only what tells who opened it is kept.
      const { origin, host } = request.headers;
      const page = origin === undefined ? undefined : { headers: { origin, host } };
      this.#openedBy.set(opened, { page, address: this.clients.countedAddressOf(request) });
      this.#places.set(opened, place);
      this.#sockets.add(opened);
    });
  }

  async connect(socket: DeviceSocket, frame: ConnectFrame): Promise<void> {
    noteInTrace({ appId: frame.appId });
    try {
      const { appId, userAlias, deviceId, platform } = frame;
      const { page, address = 'unknown' } = this.#openedBy.get(socket) ?? {};
      this.#openedBy.delete(socket);
      const mark = await this.ends.mark();
      const from = { address, claims: `${appId}/${userAlias}` };
      const subject = await this.authenticator.whose(frame.token, { appId, page, from });
      requireOwn(subject, frame);
      await this.shares.require('sockets', { subject, address });
      const { token } = subject;
      const ring = subject.kind === 'ring' ? { callId: subject.callId, sequence: subject.sequence } : undefined;
      const sessionId = uuidv7() as SessionId;
      const device: Device = { sessionId, appId, userAlias, deviceId, platform, openedAt: new Date().toISOString(), token, ring };
      if (!socket.isOpen) return;
      this.#signIn(socket);
      // From here on the socket is put out by what ends.
      this.ends.requireStill({ appId, userAlias, token }, mark);
      // Events are held from here on: what happens during the next steps is told after the snapshot, or by it.
      this.router.register(appId, userAlias, socket);
      socket.device = device;
      await this.sessions.open(device);
      if (!socket.isOpen) {
        this.sessions.close(device, 'connection_lost');
        return;
      }
      const snapshot = await this.snapshots.of(device);
      const { takenAt } = snapshot;
      const calls = ring ? snapshot.calls.filter(({ callId }) => callId === ring.callId) : snapshot.calls;
      const heartbeatSeconds = this.settings.HEARTBEAT_MS / 1000;
      socket.serve(device, { type: 'connected', id: frame.id, sessionId: device.sessionId, heartbeatSeconds, calls }, takenAt);
    } catch (error) {
      if (!(error instanceof ProblemError)) this.report(error, 'connecting a socket');
      const problem = error instanceof ProblemError ? error : new ProblemError('service_unavailable');
      this.log.info({ problem: problem.code }, 'a socket was not connected');
      if (problem.code === 'rate_limited') await this.heldBack.wait();
      socket.refuseConnect(frame.id, problem);
    }
  }

  /** @throws ProblemError `rate_limited` where its address has as many sockets that have signed in as it may. */
  #signIn(socket: DeviceSocket): void {
    const place = this.#places.get(socket);
    this.#places.delete(socket);
    if (place) requireSignIn(place);
  }

  async refresh(socket: DeviceSocket, device: Device, { id, token }: RefreshFrame): Promise<ServerFrame> {
    try {
      const { appId, userAlias } = device;
      const mark = await this.ends.mark();
      const subject = await this.authenticator.whose(token, { appId });
      if (subject.kind !== 'user' || subject.userAlias !== userAlias)
        throw new ProblemError('forbidden', `token: it is not of user ${userAlias}`);
      this.ends.requireStill({ appId, userAlias, token: subject.token }, mark);
      device.token = subject.token;
      // Who came by a ring token is a user like any other from here on.
      device.ring = undefined;
      socket.beatExpiry();
      return { type: 'done', id };
    } catch (error) {
      if (!(error instanceof ProblemError)) this.report(error, 'refreshing the token of a socket');
      const problem = error instanceof ProblemError ? error : new ProblemError('service_unavailable');
      return { type: 'error', id, error: problem.toSocketError() };
    }
  }

  endedFor(endings: Endings): void {
    for (const socket of this.#sockets) {
      const { device } = socket;
      if (!device || !endings.include(device)) continue;
      // The calls of an app that is closed are ended by whoever keeps them, for everybody in them at once.
      if (endings.includesApp(device.appId)) {
        socket.endCredential('The app is suspended, or was deleted', 'app_suspended');
        continue;
      }
      // Expiry ends no call, this does.
      this.commands.endCalls(device, socket.callsHere());
      socket.endCredential('What let this device in was revoked');
    }
  }

  /** Whoever still may comes back. */
  endedForAll(): void {
    for (const socket of this.#sockets) socket.close(closeCodes.restarting, 'connect anew');
  }

  /** Writes a line for each frame: at `info` what a service was asked to do or refused, the rest at `debug`. */
  async carryOut(socket: DeviceSocket, device: Device, frame: CommandFrame): Promise<ServerFrame> {
    const began = performance.now();
    const answer = await inSpan(`frame ${frame.type}`, () => this.#answerTo(socket, device, frame), 'server');
    const callId = answer.type === 'reply' ? answer.result.callId : undefined;
    const problem = answer.type === 'error' ? answer.error.code : undefined;
    noteInTrace({ ...(callId && { callId }), ...(problem && { problem }) });
    const line = { frame: frame.type, deviceId: device.deviceId, ms: Math.round(performance.now() - began) };
    this.log[answer.type === 'reply' || problem ? 'info' : 'debug'](line, 'answered');
    return answer;
  }

  async #answerTo(socket: DeviceSocket, device: Device, frame: CommandFrame): Promise<ServerFrame> {
    // A gateway that stood still may have been taken for dead: then it has closed this socket, and acts for nobody on it.
    await this.sessions.assured();
    if (this.#expelled.has(socket)) return { type: 'error', id: frame.id, error: { code: 'service_unavailable', message: 'Connect anew' } };
    return this.frames.answer(socket, device, frame);
  }

  heardOfDial(socket: DeviceSocket, device: Device, event: DialedEvent): void {
    this.commands.heardOfDial(socket, device, event);
  }

  closed(socket: DeviceSocket, signedOut: boolean): void {
    this.#sockets.delete(socket);
    const { device } = socket;
    if (!device) return;
    this.router.unregister(device.appId, device.userAlias, socket);
    this.watchers.forget(socket);
    const reason = signedOut ? 'signed_out' : 'connection_lost';
    this.sessions.close(device, this.#draining ? 'gateway_drained' : reason);
  }

  failed(error: unknown, doing: string): void {
    this.report(error, doing);
  }

  #expel(): void {
    for (const socket of this.#sockets) {
      this.#expelled.add(socket);
      socket.close(closeCodes.expelled, 'this gateway was taken for dead: connect anew');
    }
  }
}

/** @throws ProblemError `forbidden` for a credential that is not of the user, or of a ring at another device. */
function requireOwn(subject: Subject, { userAlias, deviceId }: ConnectFrame): asserts subject is Subject & { kind: 'user' | 'ring' } {
  const isOwn = (subject.kind === 'user' || subject.kind === 'ring') && subject.userAlias === userAlias;
  if (!isOwn) throw new ProblemError('forbidden', `token: it is not of user ${userAlias}`);
  if (subject.kind === 'ring' && subject.deviceId !== deviceId)
    throw new ProblemError('forbidden', `token: its ring is not at device ${deviceId}`);
}

function endOnError(this: Duplex): void {
  this.destroy();
}
