import type { CallId, MediaEvent, UserAlias } from '@communication-center/contracts';
import type { MediaGrant } from '@communication-center/contracts/media-grant';
import { OutboxRelay, Rest } from '@communication-center/event-log';
import {
  type ClientPlace,
  countedAs,
  type Endings,
  FollowEnds,
  Identity,
  Postgres,
  ProblemError,
  Replicas,
  Report,
  type ReportError,
  requireSignIn,
  ServiceClient,
  Settings,
  SocketSessions,
  tellFigure,
} from '@communication-center/service';
import { FairShare } from '@communication-center/service/fair-share';
import { type BeforeApplicationShutdown, Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import type { WebSocket } from 'ws';
import { type GivenGrant, MediaCredentials } from '../credentials/media-credentials.js';
import { Admission } from '../follow-calls/admission.js';
import type { Moderated } from '../follow-calls/bans.js';
import type { JanusNode } from '../janus/janus-node.js';
import { JanusNodes } from '../janus/janus-nodes.js';
import type { MediaFailure } from '../quality/domain/never-flowed.js';
import type { Sample } from '../quality/domain/sample.js';
import { TriedFlows } from '../quality/flow-watch.js';
import { KeepSamples } from '../quality/keep-samples.js';
import { FollowMoves } from '../rooms/follow-moves.js';
import { type Room, Rooms } from '../rooms/rooms.js';
import type { MediaSettings } from '../settings.js';
import { MediaEntrance } from './media-entrance.js';
import { MediaSocket, type MediaSocketOwner } from './media-socket.js';
import type { Seat } from './seat.js';

/** So long after the following of calls was at rest, in milliseconds, what happened in it may not be heard yet. */
const catchUpMs = 2000;
/** No credential is older when it is shown: they hold for some minutes. */
const rememberSeconds = 900;

type About = Omit<(MediaEvent & { type: 'media.joined' })['data'], 'mediaSessionId'>;

/** The second public door: where devices in a call negotiate what they send and receive. */
@Injectable()
export class MediaDoor implements OnApplicationBootstrap, BeforeApplicationShutdown, MediaSocketOwner {
  readonly #entrance: MediaEntrance;
  readonly #sockets = new Set<MediaSocket>();
  /** Those that broke, and whose seats are held. */
  readonly #broken = new Set<MediaSocket>();
  /** Of each that was not let in yet: its place among those of its address. */
  readonly #places = new WeakMap<MediaSocket, ClientPlace>();
  /** Those that were let in and by what grant, by their call: each event of the log asks whether its call has any. */
  readonly #inCall = new Map<CallId, Map<MediaSocket, MediaGrant>>();
  /** Where no socket is open, nobody has to be put out at once. */
  readonly rest = Rest.unless(() => !this.#isNobodyIn);
  readonly tried: TriedFlows;
  readonly #sessions: SocketSessions<About, 'left' | MediaFailure>;
  readonly #ends: FollowEnds;
  #beating: NodeJS.Timeout | undefined;
  #isStopping = false;

  constructor(
    private readonly credentials: MediaCredentials,
    private readonly admission: Admission,
    private readonly shares: FairShare,
    private readonly samples: KeepSamples,
    nodes: JanusNodes,
    private readonly rooms: Rooms,
    private readonly moves: FollowMoves,
    database: Postgres,
    relay: OutboxRelay,
    identity: Identity,
    @Inject(Settings) private readonly settings: MediaSettings,
    @Inject(Report) private readonly report: ReportError,
  ) {
    this.tried = new TriedFlows(settings.MEDIA_FLOW_MS);
    this.#entrance = new MediaEntrance(settings, {
      isFull: () => this.#isStopping || this.#sockets.size + this.#broken.size >= settings.MAX_SOCKETS,
      open: (socket, place) => this.#open(socket, place),
      report,
    });
    tellFigure('open_sockets', 'Media sockets that are open at this process', () => this.#sockets.size);
    tellFigure('held_seats', 'Devices whose media socket broke, and whose media go on', () => this.#broken.size);
    tellFigure('media_nodes_well', 'Media nodes that this process finds well', () => nodes.all.filter(({ isWell }) => isWell).length);
    this.#sessions = new SocketSessions({
      database: database.of('commands'),
      closeOn: database.of('consumers'),
      relay,
      topic: 'media.events',
      leaseMs: settings.LEASE_MS,
      lostReason: 'left',
      tell: ({ sessionId, about }, what) => ({
        type: typeof what === 'string' ? 'media.joined' : 'media.left',
        source: '/media',
        data: { ...about, mediaSessionId: sessionId, ...(typeof what !== 'string' && what.closed !== 'left' && { failed: what.closed }) },
      }),
      onExpelled: () => this.#endAll('media_lost'),
      onError: report,
    });
    this.#ends = new FollowEnds({
      directory: new ServiceClient(identity, 'directory', new Replicas(settings.DIRECTORY_URL)),
      rememberSeconds,
      isNobodyIn: () => this.#isNobodyIn,
      onEnded: (endings) => this.#endedFor(endings),
      onLost: () => this.#endAll('restarting'),
      onError: report,
    });
    nodes.onLost((node) => this.#endOn(node));
  }

  async onApplicationBootstrap(): Promise<void> {
    await this.#sessions.start();
    this.#ends.start();
    this.moves.start(
      () => this.#isNobodyIn,
      (callId, generation) => this.#follow(callId, generation),
      (error) => this.report(error, 'looking for calls that moved'),
    );
    this.#beating = setInterval(() => {
      for (const socket of this.#sockets) socket.beat(Date.now(), this.settings.HEARTBEAT_MS);
    }, this.settings.HEARTBEAT_MS);
    await this.#entrance.open();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.#isStopping = true;
    clearInterval(this.#beating);
    this.moves.stop();
    // Nobody new comes, and whoever is here has time to join elsewhere while its media go on; Janus holds those that are left.
    this.#entrance.close();
    for (const socket of this.#all) socket.move();
    for (const until = Date.now() + this.settings.DRAIN_MS; this.#sockets.size > 0 && Date.now() < until; )
      await new Promise((resolve) => setTimeout(resolve, 50));
    this.#ends.stop();
    for (const socket of this.#all) socket.end('restarting', true);
    await this.#sessions.stop('left');
    this.#entrance.leave();
  }

  get #all(): MediaSocket[] {
    return [...this.#sockets, ...this.#broken];
  }

  get #isNobodyIn(): boolean {
    return this.#sockets.size + this.#broken.size === 0;
  }

  #open(socket: WebSocket, place: ClientPlace): MediaSocket {
    const opened = new MediaSocket(socket, this, this.rooms, this.settings);
    this.#sockets.add(opened);
    this.#places.set(opened, place);
    this.rest.wake();
    void this.#ends.wake();
    return opened;
  }

  /** @throws ProblemError `unauthenticated`, `rate_limited`, `room_closed` for who has left or whose call has ended, or `service_unavailable`. */
  async admit(socket: MediaSocket, token: string): Promise<MediaGrant> {
    const grant = await this.credentials.verify(token);
    const { appId, callId, userAlias } = grant;
    await this.shares.require('media_sockets', { subject: { kind: 'user', appId, userAlias }, address: this.#signIn(socket) });
    await Promise.all([this.admission.require(grant, { isAllHeard: this.rest.awakeForMs > catchUpMs }), this.#ends.wake()]);
    // In one turn: whoever leaves later, or whose call ends, is among the sockets by then.
    this.#requireStill(grant);
    const inCall = this.#inCall.get(callId) ?? new Map<MediaSocket, MediaGrant>();
    this.#inCall.set(callId, inCall.set(socket, grant));
    socket.bind(this.admission.bansOf(grant));
    return grant;
  }

  record(socket: MediaSocket, { appId, callId, userAlias, deviceId }: MediaGrant): Promise<void> {
    return this.#sessions
      .open({ sessionId: socket.sessionId, appId, about: { callId, userAlias, deviceId } })
      .catch((error: unknown) => socket.fail(error));
  }

  /** @throws ProblemError by what was heard by now. While the directory is away, devices that signed in before go on: what has ended is told afterwards. */
  #requireStill(grant: GivenGrant): void {
    this.admission.requireStill(grant);
    if (this.#ends.hasEnded(grant)) throw new ProblemError('unauthenticated', 'token: what it was given by was revoked');
  }

  /** @returns its address, as it is counted. @throws ProblemError `rate_limited` where that has as many sockets that were let in as it may. */
  #signIn(socket: MediaSocket): string | undefined {
    const place = this.#places.get(socket);
    this.#places.delete(socket);
    if (place) requireSignIn(place);
    return place && countedAs(place.address);
  }

  /** Whether somebody is in a call's media here. */
  serves(callId: string): boolean {
    return this.#inCall.has(callId as CallId);
  }

  /** Ends the sockets for which somebody got credentials before leaving the call. */
  putOut(callId: CallId, userAlias: UserAlias, sequence: number): void {
    for (const [socket, grant] of this.#inCall.get(callId) ?? []) {
      if (grant.userAlias === userAlias && grant.sequence < sequence) socket.end('call_left');
    }
  }

  /** Has somebody's sockets keep to what a moderator forbade them, or allowed again. */
  moderate(callId: CallId, moderated: Moderated, sequence: number): void {
    for (const [socket, { userAlias }] of this.#inCall.get(callId) ?? [])
      if (userAlias === moderated.userAlias) socket.moderate(sequence, moderated);
  }

  /** Ends the sockets of a call that has ended. */
  endCall(callId: CallId): void {
    for (const socket of this.#inCall.get(callId)?.keys() ?? []) socket.end('call_ended');
  }

  /** Ends the sockets of whoever was let in by what has ended. */
  #endedFor(endings: Endings): void {
    for (const inCall of this.#inCall.values()) for (const [socket, grant] of inCall) if (endings.include(grant)) socket.end('call_left');
  }

  /** @returns the seat that a socket of the same device holds here by this key. */
  seatOf(key: string, grant: MediaGrant): Seat | undefined {
    for (const socket of this.#inCall.get(grant.callId)?.keys() ?? []) {
      const seat = socket.passOn(key, grant);
      if (seat) return seat;
    }
    return undefined;
  }

  async cameTooLate(room: Room, grant: MediaGrant): Promise<void> {
    if (this.admission.hasEnded(grant)) await this.rooms.discard(room);
  }

  broke(socket: MediaSocket): void {
    this.#sockets.delete(socket);
    // Of a device no more than one seat is held: its sockets are counted by its address, and its seats are not.
    for (const [other, grant] of this.#inCall.get(socket.grant?.callId as CallId) ?? [])
      if (this.#broken.has(other) && isSameDevice(grant, socket.grant)) other.end('media_lost');
    this.#broken.add(socket);
  }

  faded(socket: MediaSocket): void {
    this.#sessions.close(socket.sessionId, 'left');
  }

  closed(socket: MediaSocket): void {
    this.#sockets.delete(socket);
    this.#broken.delete(socket);
    const { grant } = socket;
    if (!grant) return;
    this.#sessions.close(socket.sessionId, socket.failure ?? 'left');
    const inCall = this.#inCall.get(grant.callId);
    inCall?.delete(socket);
    if (inCall?.size === 0) this.#inCall.delete(grant.callId);
  }

  measured({ appId, callId }: MediaGrant, sample: Omit<Sample, 'at'>): void {
    this.samples.take(appId, callId, sample);
  }

  failed(error: unknown, doing: string): void {
    this.report(error, doing);
  }

  /** Has the devices of a call follow it to the node that carries it by now. */
  #follow(callId: CallId, generation: number): void {
    for (const socket of this.#inCall.get(callId)?.keys() ?? []) if ((socket.room?.generation ?? generation) < generation) socket.move();
  }

  #endOn(node: JanusNode): void {
    for (const socket of this.#all) if (socket.isOn(node)) socket.end('media_lost');
  }

  #endAll(reason: 'media_lost' | 'restarting'): void {
    for (const socket of this.#all) socket.end(reason);
  }
}

function isSameDevice(one: MediaGrant, other: MediaGrant | undefined): boolean {
  return one.userAlias === other?.userAlias && one.deviceId === other.deviceId;
}
