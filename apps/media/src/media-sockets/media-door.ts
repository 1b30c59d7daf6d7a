import { createServer, type Server } from 'node:http';
import { type MediaEvent, mediaSubprotocol } from '@communication-center/contracts';
import { OutboxRelay } from '@communication-center/event-log';
import { Postgres, ProblemError, Report, type ReportError, Settings, SocketSessions, tellFigure } from '@communication-center/service';
import { type BeforeApplicationShutdown, Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { WebSocketServer } from 'ws';
import { type Grant, MediaTokens } from '../credentials/media-tokens.js';
import { type Departure, Departures } from '../departures/departures.js';
import { RecentDepartures } from '../departures/recent-departures.js';
import { JanusNode } from '../janus/janus-node.js';
import { Rooms } from '../rooms/rooms.js';
import type { MediaSettings } from '../settings.js';
import { MediaSocket, type MediaSocketOwner } from './media-socket.js';

const rememberedDepartures = 10_000;

type About = Omit<MediaEvent['data'], 'mediaSessionId'>;

/** The second public door: where devices in a call negotiate what they send and receive. */
@Injectable()
export class MediaDoor implements OnApplicationBootstrap, BeforeApplicationShutdown, MediaSocketOwner {
  readonly #http: Server;
  readonly #sockets = new Set<MediaSocket>();
  readonly #sessions: SocketSessions<About, 'left'>;
  readonly #lately = new RecentDepartures(rememberedDepartures);
  #beating: NodeJS.Timeout | undefined;

  constructor(
    private readonly tokens: MediaTokens,
    private readonly departures: Departures,
    janus: JanusNode,
    rooms: Rooms,
    database: Postgres,
    relay: OutboxRelay,
    @Inject(Settings) private readonly settings: MediaSettings,
    @Inject(Report) private readonly report: ReportError,
  ) {
    this.#http = createServer((_request, response) =>
      response.writeHead(426, { 'content-type': 'text/plain' }).end('This is a WebSocket door\n'),
    );
    const sockets = new WebSocketServer({
      server: this.#http,
      maxPayload: 262_144,
      perMessageDeflate: false,
      handleProtocols: (offered) => (offered.has(mediaSubprotocol) ? mediaSubprotocol : false),
    });
    sockets.on('connection', (socket) => {
      if (socket.protocol !== mediaSubprotocol) socket.close(1002, `offer the subprotocol ${mediaSubprotocol}`);
      else if (this.#sockets.size >= settings.MAX_SOCKETS) socket.close(1013, 'this media door takes no more sockets');
      else this.#sockets.add(new MediaSocket(socket, this, janus, rooms, settings.JOIN_TIMEOUT_MS));
    });
    tellFigure('open_sockets', 'Media sockets that are open at this process', () => this.#sockets.size);
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
        data: { ...about, mediaSessionId: sessionId },
      }),
      onExpelled: () => this.#endAll('media_lost'),
      onError: report,
    });
    janus.onLost(() => this.#endAll('media_lost'));
  }

  async onApplicationBootstrap(): Promise<void> {
    await this.#sessions.start();
    this.#beating = setInterval(() => {
      for (const socket of this.#sockets) socket.beat(Date.now(), this.settings.HEARTBEAT_MS);
    }, this.settings.HEARTBEAT_MS);
    await new Promise<void>((resolve, reject) => {
      this.#http.once('error', reject);
      this.#http.listen(this.settings.PUBLIC_PORT, this.settings.PUBLIC_HOST, resolve);
    });
  }

  async beforeApplicationShutdown(): Promise<void> {
    clearInterval(this.#beating);
    this.#endAll('restarting');
    await this.#sessions.stop('left');
    this.#http.close();
    this.#http.closeAllConnections();
  }

  /** @throws ProblemError `unauthenticated`, or `room_closed` for who has left. */
  async admit(socket: MediaSocket, token: string): Promise<Grant> {
    const grant = await this.tokens.verify(token);
    await this.departures.requirePresent(grant);
    const { appId, callId, userAlias, deviceId } = grant;
    await this.#sessions.open({ sessionId: socket.sessionId, appId, about: { callId, userAlias, deviceId } });
    // Whoever left while being let in was not among the sockets yet.
    if (this.#lately.areAfter(grant)) {
      this.#sessions.close(socket.sessionId, 'left');
      throw new ProblemError('room_closed', 'You have left this call');
    }
    return grant;
  }

  /** Whether somebody is in a call's media here. */
  serves(callId: string): boolean {
    return [...this.#sockets].some(({ grant }) => grant?.callId === callId);
  }

  /** Ends the sockets that somebody opened before leaving the call. */
  putOut(departure: Departure): void {
    const { callid, sequence, data } = departure;
    this.#lately.note(departure);
    for (const socket of this.#sockets) {
      const { grant } = socket;
      if (grant?.callId === callid && grant.userAlias === data.userAlias && grant.sequence < sequence) socket.end('call_left');
    }
  }

  closed(socket: MediaSocket): void {
    this.#sockets.delete(socket);
    if (socket.grant) this.#sessions.close(socket.sessionId, 'left');
  }

  failed(error: unknown, doing: string): void {
    this.report(error, doing);
  }

  #endAll(reason: 'media_lost' | 'restarting'): void {
    for (const socket of this.#sockets) socket.end(reason);
  }
}
