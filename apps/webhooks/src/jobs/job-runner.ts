import { Postgres, ProblemError, Report, type ReportError, Settings, WorksOnDueRows } from '@communication-center/service';
import { Inject, Injectable } from '@nestjs/common';
import { needsCallFacts } from '../domain/event-filter.js';
import { isHandedOver } from '../domain/handed-over.js';
import type { PlacedMessage } from '../domain/message.js';
import { wanted } from '../domain/wanted.js';
import { type Endpoint, EndpointStore } from '../endpoints/endpoint-store.js';
import { KnownCalls } from '../known-calls/known-calls.js';
import { tellOfWaiting } from '../lanes/told-of-waiting.js';
import type { WebhooksSettings } from '../settings.js';
import { type JobPage, nextPage, standingsOf } from './job-pages.js';
import { cancelJob, goOn, type Job, nextJobIn, standingOf, takeUpJob } from './job-rows.js';

/** A replica that dies while it works on a job keeps it from others for so long. */
const leaseSeconds = 10;
/** Of a job so many wait at an endpoint at most: what is more stays in the log. */
const mostWaiting = 200;
/** So many messages are looked at at a time, and as many handed over. */
const pageSize = 50;
/** Where nobody tells of a new job it is found after so long. */
const lookMs = 5000;
/** A job that has handed over as much as may wait, or all, is looked at again after so long, at first and at last. */
const waitMs = { first: 200, longest: 2000 };
/** Looking at a message costs a tenth of what delivering it does. */
const costOfLooking = 0.1;

/**
 * Works on jobs: a page of one, then of another, at a pace of its own, whoever they are of. A job hands messages over by rows that
 * whoever delivers to the endpoint finds, and notes how far it is in the same commit. So any replica goes on with it.
 */
@Injectable()
export class JobRunner extends WorksOnDueRows {
  constructor(
    private readonly database: Postgres,
    private readonly endpoints: EndpointStore,
    private readonly calls: KnownCalls,
    @Inject(Settings) private readonly settings: WebhooksSettings,
    @Inject(Report) report: ReportError,
  ) {
    super({ name: 'working on jobs', report, maxPauseMs: lookMs });
  }

  /** @returns milliseconds until anything is to be done; null where no job runs. */
  protected async work(): Promise<number | null> {
    const { background: sql } = this.database;
    // Where none is due, which is nearly always, one look says so.
    const inMs = await nextJobIn(sql);
    if (inMs === null || inMs > 0) return inMs;
    const job = await takeUpJob(sql, leaseSeconds);
    if (!job) return 100;
    const endpoint = await this.#endpointOf(job);
    if (!endpoint) {
      await cancelJob(sql, job.jobId, 'the endpoint was deleted');
      return 0;
    }
    const { looked, handed } = await this.#workOn(job, endpoint);
    return ((handed + looked * costOfLooking) * 1000) / this.settings.REPLAYS_PER_SECOND;
  }

  async #endpointOf({ appId, endpointId }: Job): Promise<Endpoint | undefined> {
    try {
      return await this.endpoints.recipient(appId, endpointId);
    } catch (error) {
      if (error instanceof ProblemError && error.code === 'not_found') return undefined;
      throw error;
    }
  }

  async #workOn(job: Job, endpoint: Endpoint): Promise<{ looked: number; handed: number }> {
    const { background: sql } = this.database;
    const { waiting, failed } = await standingOf(sql, job.jobId);
    const mayRead = !job.isRead && waiting <= mostWaiting - pageSize;
    const page: JobPage = mayRead ? await nextPage(sql, job, pageSize) : { messages: [], cursor: job.cursor, isLast: job.isRead };
    const handed = await this.#handedOf(job, endpoint, page);
    const isDone = page.isLast && waiting + handed.length === 0;
    const nextInMs = mayRead && !page.isLast ? 0 : Math.min(waitMs.longest, waitMs.first + waiting * 10);
    const step = { ...page, isRead: page.isLast, isDone, looked: page.messages.length, handed, waiting, failed, nextInMs };
    if ((await goOn(sql, job, step)) && handed.length > 0)
      await tellOfWaiting({ query: (...of) => sql.query(...of), schema: this.database.schema }, [job.appId]);
    return { looked: page.messages.length, handed: handed.length };
  }

  async #handedOf({ wish }: Job, endpoint: Endpoint, { messages }: JobPage) {
    const standings = await standingsOf(this.database.background, endpoint.endpointId, messages);
    const facts = needsCallFacts(endpoint) && wish.kind !== 'recover' ? await this.calls.of(messages as PlacedMessage[]) : undefined;
    return messages.flatMap((message) => {
      const standing = standings.get(message.messageId);
      const isWanted = wanted(endpoint, message, facts?.get(message.subject));
      return standing && isHandedOver(wish.kind, { ...standing, isWanted }) ? [{ message, earlier: standing.attempts }] : [];
    });
  }
}
