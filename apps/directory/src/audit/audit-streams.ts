import type { AppId } from '@communication-center/contracts';
import type { Sql } from '@communication-center/event-log';
import { DueRows, Postgres, ProblemError, Report, type ReportError } from '@communication-center/service';
import { type BeforeApplicationShutdown, Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { AuditStream, type StreamResponse } from './audit-stream.js';

/** How often it is looked for new entries, and how often a silent stream shows that it lives, in milliseconds. */
const [lookMs, beatMs] = [1000, 15_000];
/** Streams that one replica serves at most, and of them those of one app. */
const [mostStreams, mostOfApp] = [200, 10];
/** A reader who goes makes room; nobody knows when. */
const retryAfterSeconds = 10;

/** Every open stream of records of this process. Acts are few: each stream asks once a second, and nothing where none is open. */
@Injectable()
export class AuditStreams implements OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly #streams = new Map<AuditStream, AppId>();
  readonly #database: Sql;
  readonly #loop: DueRows;
  #beating: NodeJS.Timeout | undefined;

  constructor(database: Postgres, @Inject(Report) report: ReportError) {
    this.#database = database.of('reads');
    this.#loop = new DueRows({ name: 'telling what is put on record', work: () => this.#look(), onError: report, maxPauseMs: lookMs });
  }

  onApplicationBootstrap(): void {
    this.#loop.start();
    this.#beating = setInterval(() => {
      for (const stream of this.#streams.keys()) stream.beat();
    }, beatMs);
  }

  async beforeApplicationShutdown(): Promise<void> {
    clearInterval(this.#beating);
    for (const stream of this.#streams.keys()) stream.end();
    await this.#loop.stop();
  }

  /** @throws ProblemError `rate_limited` where this replica serves as many of the app as it may; `service_unavailable` for as many at all. */
  requireRoom(appId: AppId): void {
    const ofApp = [...this.#streams.values()].filter((one) => one === appId).length;
    if (ofApp >= mostOfApp)
      throw new ProblemError('rate_limited', `This app has as many streams of its record here as it may: ${mostOfApp}`, {
        retryAfterSeconds,
      });
    if (this.#streams.size >= mostStreams) throw new ProblemError('service_unavailable', 'This replica serves as many streams as it may');
  }

  /** Serves a stream until its client goes. @param after the last entry it has. */
  serve(appId: AppId, after: string | undefined, response: StreamResponse): void {
    const stream = new AuditStream(this.#database, appId, response, { after, now: Date.now() });
    this.#streams.set(stream, appId);
    response.once('close', () => {
      stream.end();
      this.#streams.delete(stream);
    });
    this.#loop.wake();
  }

  async #look(): Promise<null> {
    // One that reads slowly is not waited for.
    const looks = [...this.#streams.keys()].map((stream) => stream.look(Date.now()));
    await Promise.race([Promise.allSettled(looks), new Promise((resolve) => setTimeout(resolve, lookMs))]);
    for (const look of looks) look.catch(() => undefined);
    return null;
  }
}
