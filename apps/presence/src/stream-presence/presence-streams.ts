import type { AppId } from '@communication-center/contracts';
import { EventLog, EventLogServer, Rest, type Sql, Tail } from '@communication-center/event-log';
import { DueRows, Postgres, ProblemError, Report, type ReportError, Settings } from '@communication-center/service';
import { type BeforeApplicationShutdown, Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import type { PresenceSettings } from '../settings.js';
import { type Sight, Sights } from '../visibility/sights.js';
import { PresenceStream, type StreamAbout, type StreamResponse } from './presence-stream.js';
import { SharedReads } from './shared-reads.js';

/** How often it is looked whether users' streams may still show whom they show, in milliseconds. */
const sightsMs = 1000;

/** Every open stream of this process, woken when the log says that somebody of its app is somewhere else. */
@Injectable()
export class PresenceStreams implements OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly #streams = new Map<AppId, Set<PresenceStream>>();
  readonly #database: Sql;
  readonly #reads: SharedReads;
  readonly #rest = Rest.unless(() => this.#streams.size > 0);
  readonly #tail: Tail;
  #beating: NodeJS.Timeout | undefined;
  readonly #looking: DueRows;

  constructor(
    log: EventLog,
    server: EventLogServer,
    database: Postgres,
    @Inject(Settings) private readonly settings: PresenceSettings,
    @Inject(Report) private readonly report: ReportError,
    private readonly sights: Sights,
  ) {
    this.#looking = new DueRows({ name: 'looking what streams may show', work: () => this.#look(), onError: report, maxPauseMs: sightsMs });
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
    this.#looking.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    clearInterval(this.#beating);
    await this.#looking.stop();
    for (const ofApp of this.#streams.values()) for (const stream of ofApp) stream.end();
    await this.#tail.stop();
  }

  /** Serves a stream until its client goes. */
  serve(about: StreamAbout, response: StreamResponse): void {
    const { appId } = about;
    const stream = new PresenceStream(this.#database, this.#reads, about, response, this.report, this.sights);
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

  /** Users' streams begin anew where what they may see has changed: one statement for all of them, and none where there are none. */
  async #look(): Promise<null> {
    const read = [...this.#streams.values()]
      .flatMap((ofApp) => [...ofApp])
      .flatMap((stream) => (stream.viewer ? [{ stream, viewer: stream.viewer }] : []));
    if (read.length === 0) return null;
    const sights = await this.sights.ofEach(read.map(({ viewer }) => viewer));
    for (const [index, { stream }] of read.entries()) stream.seesBy(sights[index] as Sight);
    return null;
  }

  #wake(appId: AppId): void {
    this.#reads.outdate(appId);
    for (const stream of this.#streams.get(appId) ?? []) stream.wake();
  }
}
