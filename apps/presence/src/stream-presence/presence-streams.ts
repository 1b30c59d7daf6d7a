import type { AppId, UserAlias } from '@communication-center/contracts';
import { EventLog, EventLogServer, Rest, type Sql, Tail } from '@communication-center/event-log';
import { Postgres, ProblemError, Report, type ReportError, Settings } from '@communication-center/service';
import { type BeforeApplicationShutdown, Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import type { StreamPlace } from '../domain/stream-place.js';
import type { PresenceSettings } from '../settings.js';
import { PresenceStream, type StreamResponse } from './presence-stream.js';
import { SharedReads } from './shared-reads.js';

/** Every open stream of this process, woken when the log says that somebody of its app is somewhere else. */
@Injectable()
export class PresenceStreams implements OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly #streams = new Map<AppId, Set<PresenceStream>>();
  readonly #database: Sql;
  readonly #reads: SharedReads;
  readonly #rest = Rest.unless(() => this.#streams.size > 0);
  readonly #tail: Tail;
  #beating: NodeJS.Timeout | undefined;

  constructor(
    log: EventLog,
    server: EventLogServer,
    database: Postgres,
    @Inject(Settings) private readonly settings: PresenceSettings,
    @Inject(Report) private readonly report: ReportError,
  ) {
    this.#database = database.of('reads');
    this.#reads = new SharedReads(this.#database);
    this.#tail = new Tail({
      log,
      topic: 'presence.events',
      onEvent: ({ appid }) => this.#wake(appid),
      rest: this.#rest,
      onError: report,
    });
    server.include('presence.streams', this.#tail);
  }

  /** @throws ProblemError `service_unavailable` where this replica serves as many as it may, at all or of one app. */
  requireRoom(appId: AppId): void {
    const { MAX_STREAMS, MAX_STREAMS_PER_APP } = this.settings;
    if ((this.#streams.get(appId)?.size ?? 0) >= MAX_STREAMS_PER_APP)
      throw new ProblemError('service_unavailable', `This replica serves ${MAX_STREAMS_PER_APP} streams of an app at most`);
    const open = [...this.#streams.values()].reduce((total, { size }) => total + size, 0);
    if (open >= MAX_STREAMS) throw new ProblemError('service_unavailable', 'This replica serves as many streams as it may');
  }

  async onApplicationBootstrap(): Promise<void> {
    await this.#tail.start();
    // A stream that was not woken, as while the brokers are away, looks by itself; and a silent one shows that it lives.
    this.#beating = setInterval(() => {
      for (const ofApp of this.#streams.values()) for (const stream of ofApp) stream.beat();
    }, this.settings.STREAM_HEARTBEAT_MS);
  }

  async beforeApplicationShutdown(): Promise<void> {
    clearInterval(this.#beating);
    for (const ofApp of this.#streams.values()) for (const stream of ofApp) stream.end();
    await this.#tail.stop();
  }

  /** Serves a stream until its client goes. @param from the place after which to go on; undefined for a fresh reader. */
  serve(appId: AppId, only: readonly UserAlias[] | undefined, from: StreamPlace | undefined, response: StreamResponse): void {
    const stream = new PresenceStream(this.#database, this.#reads, { appId, only, from }, response, this.report);
    const ofApp = this.#streams.get(appId) ?? new Set();
    this.#streams.set(appId, ofApp.add(stream));
    this.#rest.wake();
    response.once('close', () => {
      stream.end();
      ofApp.delete(stream);
      if (ofApp.size === 0 && this.#streams.get(appId) === ofApp) this.#streams.delete(appId);
    });
    stream.wake();
  }

  #wake(appId: AppId): void {
    this.#reads.outdate(appId);
    for (const stream of this.#streams.get(appId) ?? []) stream.wake();
  }
}
