import { randomUUID } from 'node:crypto';
import { type CallId, enveloped } from '@communication-center/contracts';
import { type ParticipantQuality, qualityModel } from '@communication-center/contracts/quality';
import { OutboxRelay, type Repair, writeOutbox } from '@communication-center/event-log';
import { currentTraceparent, DueRows, Postgres, Report, type ReportError } from '@communication-center/service';
import { type BeforeApplicationShutdown, Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { CallReading } from '../follow-calls/call-reading.js';
import { judgeCall } from './domain/judge-call.js';
import type { Sample } from './domain/sample.js';
import { stretchesOf } from './domain/series.js';
import { KeepSamples } from './keep-samples.js';
import { type DueCall, dueCalls, lookAgainSeconds, lookLater, noteEnded, noteTold, samplesOf } from './quality-rows.js';

const name = 'telling how the media of calls went';
/** What PostgreSQL does not take is tried again after so long, in milliseconds, and as much again by chance. */
const retryMs = 1000;
/** So long after the end of a call, in milliseconds, every replica has kept the last samples of it. */
const settleMs = 2000;
const callsAtOnce = 20;
const lookEveryMs = lookAgainSeconds * 1000;
/** Of a device, spread over its call: an hour and a half has no more. */
const judgedOfEach = 1000;
const endless = 2_147_483_647;

/**
 * Tells once of each call that is over how its media went: `call.quality`, in the transaction that notes it. The replicas that took samples of
 * a call hear its end; where none of them lived to hear it, the calls service is asked, some minutes later.
 */
@Injectable()
export class TellQuality implements OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly #ended = new Map<CallId, number>();
  readonly #loop: DueRows;
  readonly #database;
  #lookAt = 0;

  constructor(
    database: Postgres,
    private readonly samples: KeepSamples,
    private readonly relay: OutboxRelay,
    @Inject(CallReading) private readonly eventsOfCall: Repair,
    @Inject(Report) private readonly report: ReportError,
  ) {
    this.#database = database.of('consumers');
    // A replica that had a part in a call wakes it: this is for calls of those that died.
    this.#loop = new DueRows({ name, work: () => this.#work(), onError: report, maxPauseMs: lookEveryMs });
  }

  onApplicationBootstrap(): void {
    this.#loop.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.#loop.stop();
    await this.samples.settled();
    // The others would look only in some minutes.
    await this.#tellOf(Number.POSITIVE_INFINITY).catch((error: unknown) => this.report(error, name));
  }

  /** Has it told of a call that has ended, where samples of it were taken here. */
  end(callId: CallId): void {
    if (!this.samples.wasMeasured(callId)) return;
    this.#ended.set(callId, performance.now());
    if (this.#ended.size === 1) this.#loop.wake();
  }

  async #work(): Promise<number> {
    try {
      await this.#tellOf(performance.now() - settleMs);
    } catch (error) {
      this.report(error, name);
      this.#lookAt = 0;
      return retryMs * (1 + Math.random());
    }
    const [first] = this.#ended.values();
    const next = Math.min(this.#lookAt, (first ?? Number.POSITIVE_INFINITY) + settleMs);
    return next - performance.now();
  }

  /** @param until of the calls that were heard to end, those are told of that ended before. */
  async #tellOf(until: number): Promise<void> {
    const noted = await this.#noteEnded(until);
    if (noted > 0 || performance.now() >= this.#lookAt) {
      this.#lookAt = performance.now() + lookEveryMs;
      while ((await this.#tellDue()) === callsAtOnce);
    }
  }

  /** @param until those are noted that ended before. @returns how many. */
  async #noteEnded(until: number): Promise<number> {
    const callIds = [...this.#ended].filter(([, at]) => at <= until).map(([callId]) => callId);
    if (callIds.length === 0) return 0;
    await noteEnded(this.#database, callIds);
    for (const callId of callIds) this.#ended.delete(callId);
    return callIds.length;
  }

  /** @returns how many calls were due. */
  async #tellDue(): Promise<number> {
    const { due, written } = await this.#database.transaction(async (tx) => {
      const found = await dueCalls(tx, callsAtOnce);
      const over = found.filter(({ ended_at }) => ended_at !== null);
      const open = found.filter(({ ended_at }) => ended_at === null);
      if (open.length > 0) await lookLater(tx, callIdsOf(open));
      if (over.length === 0) return { due: found, written: [] };
      const told: { call: DueCall; participants: ParticipantQuality[] }[] = [];
      for (const call of over) {
        told.push({ call, participants: this.#judge(await samplesOf(tx, call.call_id, judgedOfEach)) });
      }
      await noteTold(
        tx,
        told.map(({ call, participants }) => ({ callId: call.call_id, participants })),
      );
      const entries = told.flatMap(({ call, participants }) => (participants.length > 0 ? [entryOf(call, participants)] : []));
      return { due: found, written: await writeOutbox(tx, entries) };
    });
    this.relay.committed(written);
    await this.#askAbout(due.filter(({ ended_at }) => ended_at === null));
    return due.length;
  }

  /** Samples that nobody can judge, of whatever release, keep no other call from being told of. */
  #judge(samples: Sample[]): ParticipantQuality[] {
    try {
      return judgeCall(samples, stretchesOf(samples));
    } catch (error) {
      this.report(error, 'judging how the media of a call went');
      return [];
    }
  }

  /** Nobody said of these that they ended. */
  async #askAbout(calls: readonly DueCall[]): Promise<void> {
    for (const { call_id: callId } of calls) {
      const events = await this.eventsOfCall(callId, 0, endless).catch((error: unknown) =>
        this.report(error, 'asking whether a call ended'),
      );
      // Of one that is nowhere any more nothing else will be heard.
      if (events && (events.length === 0 || events.some(({ type }) => type === 'call.ended'))) this.#ended.set(callId, -settleMs);
    }
    if (this.#ended.size > 0) this.#loop.wake();
  }
}

const callIdsOf = (calls: readonly DueCall[]) => calls.map(({ call_id }) => call_id);

function entryOf({ call_id: callId, app_id: appId, ended_at }: DueCall, participants: ParticipantQuality[]) {
  const data = { callId, audience: participants.map(({ userAlias }) => userAlias), model: qualityModel, participants };
  const origin = { id: randomUUID(), source: '/media', at: ended_at ?? new Date(), subject: callId, appId, sequence: 1 };
  const event = enveloped({ type: 'call.quality' as const, data }, { ...origin, traceparent: currentTraceparent() });
  return { topic: 'quality.events' as const, key: callId, event };
}
