import { randomUUID } from 'node:crypto';
import type { CallEvent, EndReason, RingConfirmed } from '@communication-center/contracts';
import { isInfrastructureFailure } from '@communication-center/event-log';
import {
  DueRows,
  Gathering,
  type LineLog,
  Log,
  type Outcome,
  Postgres,
  Report,
  type ReportError,
  resumeTrace,
  Settings,
} from '@communication-center/service';
import { type BeforeApplicationShutdown, Inject, Injectable } from '@nestjs/common';
import { Lanes } from '../channels/lanes.js';
import { PushChannels } from '../channels/push-channels.js';
import { KnownCredentials } from '../credentials/known-credentials.js';
import { isTold } from '../domain/push-messages.js';
import { type Ring, type RingEnd, ringEndsOf, ringsOf } from '../domain/rings.js';
import type { NotificationsSettings } from '../settings.js';
import { type Confirmed, ConfirmedLately } from './confirmed-lately.js';
import { Courier, stopForMs } from './courier.js';
import { EndedLately } from './ended-lately.js';
import { ProviderWords } from './provider-words.js';
import { claimSeconds, type Finished, type RingPush, RingRows } from './ring-rows.js';
import { RingTokens } from './ring-tokens.js';
import { UnconfirmedRings } from './unconfirmed-rings.js';

/** How often claims are renewed: twice, and a little, before they would be free. */
const renewEveryMs = claimSeconds * 400;
/** How often it is looked for what a dead replica left, while there are rings. */
const sweepEveryMs = 500;
/** For so long after the start there may be something that others left. */
const sweepForMs = 15_000;
/** Rings written in one statement at most. */
const atOnce = 250;
/** So many wait to be written at most: PostgreSQL is away when there are so many. */
const mostWaiting = 20_000;
/** Why a device is not pushed to. */
const itRings = 'the device rings already, as it said itself';

interface Active {
  push: RingPush;
  abort: AbortController;
  done: Promise<void>;
}

/**
 * Rings devices that have no socket open, and tells them when it is over. Every replica hears every event; whoever writes the row of a
 * push first has it, and keeps it by renewing its claim. So a killed replica's pushes are another's within a second or two, and a push
 * is made once more at most, and never after the ring's deadline.
 */
@Injectable()
export class PushRings implements BeforeApplicationShutdown {
  readonly #rows: RingRows;
  readonly #lanes: Lanes;
  readonly #active = new Map<string, Active>();
  readonly #courier: Courier;
  readonly #ended = new EndedLately();
  readonly #confirmed = new ConfirmedLately();
  readonly #unconfirmed: UnconfirmedRings;
  /** Calls of which there are pushes, and until when there may be. */
  readonly #calls = new Map<string, number>();
  #rings: Ring[] = [];
  #ends: RingEnd[] = [];
  #isWorking = false;
  #mayBegin = false;
  #knowsOpen = false;
  #stopping = false;
  #sweepUntil = 0;
  #hasLeftOut = false;
  #leftOut = 0;
  #onRoom: (() => void) | undefined;
  #renewing: NodeJS.Timeout | undefined;
  readonly #sweeps: DueRows;
  readonly #finished: Gathering<Finished, EndReason | null>;
  readonly #told: Gathering<{ pushId: string; stop: 'accepted' | 'failed' }, null>;

  constructor(
    database: Postgres,
    private readonly known: KnownCredentials,
    words: ProviderWords,
    channels: PushChannels,
    tokens: RingTokens,
    @Inject(Settings) settings: NotificationsSettings,
    @Inject(Log) private readonly log: LineLog,
    @Inject(Report) private readonly report: ReportError,
  ) {
    this.#rows = new RingRows(database.of('commands'), randomUUID());
    this.#lanes = new Lanes({ concurrency: settings.PUSH_CONCURRENCY, waiting: settings.PUSH_WAITING });
    this.#courier = new Courier({ lanes: this.#lanes, known, channels, words, tokens, report });
    this.#unconfirmed = new UnconfirmedRings({
      afterMs: settings.PUSH_UNCONFIRMED_MS,
      hasConfirmed: (ring, deviceId) => this.#confirmed.of(ring, deviceId) !== undefined,
      onUnconfirmed: (ring, silent) => this.#add([{ ...ring, silent }]),
    });
    this.#sweeps = new DueRows({ name: 'taking pushes over', work: () => this.#sweep(), onError: report, maxPauseMs: 30_000 });
    const together = { mostAtOnce: atOnce, mostWaiting: 200_000, mayFallApart: (error: unknown) => !isInfrastructureFailure(error) };
    this.#finished = new Gathering<Finished, EndReason | null>({ ...together, work: (all) => this.#finish(all) });
    this.#told = new Gathering<{ pushId: string; stop: 'accepted' | 'failed' }, null>({
      ...together,
      work: async (stops) => {
        await this.#rows.told(stops);
        return stops.map(() => ({ done: null }));
      },
    });
  }

  /** `waiting`: rings and ends that wait for the database; `leftOut`: rings for which there was no room, since the start. */
  get figures(): Lanes['figures'] & { waiting: number; leftOut: number } {
    return { ...this.#lanes.figures, waiting: this.#rings.length + this.#ends.length, leftOut: this.#leftOut };
  }

  /** From now on it rings: until then, as while the events of the last minutes are read again, it only learns what has ended. */
  begin(): void {
    this.#mayBegin = true;
    // What the replicas before left is looked for at once; not sooner, since it may be over.
    this.#sweepUntil = Math.max(this.#sweepUntil, Date.now() + sweepForMs);
    this.#sweeps.start();
    void this.#work();
  }

  /** Takes an event of a call, in its order; repeats change nothing. */
  take(event: CallEvent): void {
    if (!this.known.hasApp(event.appid)) return;
    for (const end of ringEndsOf(event)) this.#takeEnd(end);
    if (event.type === 'call.ringing' && event.data.deviceId) this.#confirm({ ...event.data, deviceId: event.data.deviceId }, event);
    this.#add(ringsOf(event));
  }

  /** Takes that a device rings: it is pushed to no more for this ring. */
  takeConfirmed({ data, ...event }: RingConfirmed): void {
    if (this.known.hasApp(event.appid)) this.#confirm(data, { ...event, callid: data.callId });
  }

  #confirm(
    { userAlias, deviceId, through = 'socket' }: Pick<Confirmed, 'userAlias' | 'deviceId'> & Partial<Pick<Confirmed, 'through'>>,
    { callid: callId, sequence, time: since }: Pick<CallEvent, 'callid' | 'sequence' | 'time'>,
  ): void {
    const confirmed = { callId, userAlias, deviceId, sequence, since, through };
    this.#confirmed.note(confirmed, Date.now());
    this.#unconfirmed.confirmed(confirmed);
    for (const { push, abort } of this.#active.values())
      if (push.callId === callId && push.deviceId === deviceId && this.#isAt(push)) abort.abort(itRings);
  }

  /** Whether the device of a push says that it rings already. */
  #isAt(push: RingPush): boolean {
    return this.#confirmed.of({ ...push, sequence: push.ringSequence }, push.deviceId) !== undefined;
  }

  #add(rings: readonly Ring[]): void {
    const now = Date.now();
    const open = rings.filter((ring) => Date.parse(ring.deadline) > now && !this.#ended.of(ring));
    if (this.#rings.length + open.length > mostWaiting) this.#leaveOut(open.length);
    else this.#rings.push(...open);
    if (this.#rings.length + this.#ends.length > 0) void this.#work();
  }

  /** What there is no room for lies in the log: it is taken anew once there is. Ends are heard all the while, so that none of it rings for nothing. */
  #leaveOut(rings: number): void {
    if (!this.#hasLeftOut) this.report(new Error('too many rings wait to be written: others are read again later'), 'ringing by push');
    this.#hasLeftOut = true;
    this.#leftOut += rings;
  }

  /** Has it said when there is room again for what was left out: then the last minutes' events are to be taken anew. */
  onRoom(listener: () => void): void {
    this.#onRoom = listener;
  }

  #takeEnd(end: RingEnd): void {
    this.#ended.note(end, Date.now());
    this.#unconfirmed.ended(end);
    this.#rings = this.#rings.filter(
      ({ callId, userAlias, sequence }) => callId !== end.callId || userAlias !== end.userAlias || sequence > end.sequence,
    );
    for (const { push, abort } of this.#active.values())
      if (push.callId === end.callId && push.userAlias === end.userAlias && push.ringSequence < end.sequence) abort.abort();
    if (!this.#calls.has(end.callId)) return;
    if (this.#ends.length < mostWaiting) this.#ends.push(end);
    else this.#leaveOut(0);
  }

  /** Writes what waits, one statement after the other: what comes meanwhile goes together into the next. */
  async #work(): Promise<void> {
    if (this.#isWorking || !this.#mayBegin) return;
    this.#isWorking = true;
    while (!this.#stopping && (!this.#knowsOpen || this.#rings.length + this.#ends.length > 0)) {
      const [rings, ends] = [this.#rings.splice(0, atOnce), this.#ends.splice(0, atOnce)];
      try {
        if (!this.#knowsOpen) await this.#learnOpen();
        if (rings.length > 0) await this.#begin(rings);
        if (ends.length > 0) for (const push of await this.#rows.end(ends)) this.#start(push);
      } catch (error) {
        this.report(error, 'writing pushes');
        const now = Date.now();
        this.#rings.unshift(...rings.filter((ring) => Date.parse(ring.deadline) > now && !this.#ended.of(ring)));
        this.#ends.unshift(...ends);
        await new Promise((resolve) => setTimeout(resolve, 250 + Math.random() * 250));
      }
    }
    this.#isWorking = false;
    if (!this.#hasLeftOut || this.#stopping) return;
    this.#hasLeftOut = false;
    this.#onRoom?.();
  }

  /** Learns of which rings there are pushes from before: their devices are told of the end, which may have come meanwhile. */
  async #learnOpen(): Promise<void> {
    const open = await this.#rows.open();
    for (const { callId, deadline } of open) this.#expectEndOf(callId, deadline.getTime());
    this.#ends.push(...new Set(open.flatMap((ring) => this.#ended.of(ring) ?? [])));
    this.#knowsOpen = true;
  }

  #expectEndOf(callId: string, deadlineMs: number): void {
    const until = deadlineMs + stopForMs;
    this.#calls.set(callId, Math.max(until, this.#calls.get(callId) ?? 0));
    this.#sweepUntil = Math.max(this.#sweepUntil, until);
  }

  async #begin(rings: readonly Ring[]): Promise<void> {
    const { mine, calls, withSocket } = await this.#rows.begin(rings);
    const now = Date.now();
    for (const [callId, until] of this.#calls) if (until < now) this.#calls.delete(callId);
    for (const { callId, deadline } of rings) if (calls.has(callId)) this.#expectEndOf(callId, Date.parse(deadline));
    if (calls.size > 0) this.#sweeps.wake();
    for (const push of mine) this.#start(push);
    for (const { ring, devices } of withSocket) if (!this.#ended.of(ring)) this.#unconfirmed.expect(ring, devices, now);
    // What ended while the statement was under way was not known to have pushes.
    const late = rings.flatMap((ring) => (calls.has(ring.callId) ? (this.#ended.of(ring) ?? []) : []));
    this.#ends.push(...late.filter((end) => !this.#ends.includes(end)));
  }

  #start(push: RingPush): void {
    const before = this.#active.get(push.pushId);
    if (before) {
      // Of one push one thing is done at a time: its ring is written down before its end is told.
      void before.done.then(() => this.#start(push));
      return;
    }
    const lane = this.#courier.laneOf(push);
    if (!lane.enter()) {
      this.#rows.leave([push.pushId]).catch((error: unknown) => this.report(error, 'leaving a push to others'));
      return;
    }
    const active: Active = { push, abort: new AbortController(), done: Promise.resolve() };
    this.#active.set(push.pushId, active);
    this.#renewing ??= setInterval(() => void this.#renew(), renewEveryMs);
    const about = { traceparent: push.traceparent ?? undefined, appid: push.appId, callid: push.callId };
    active.done = resumeTrace([about], () => this.#carry(active))
      .catch((error: unknown) => this.report(error, 'pushing'))
      .finally(() => {
        lane.leave();
        this.#active.delete(push.pushId);
        if (this.#active.size > 0) return;
        clearInterval(this.#renewing);
        this.#renewing = undefined;
      });
  }

  async #carry(active: Active): Promise<void> {
    const { push } = active;
    let reason = push.ringEnded?.reason ?? null;
    if (push.state === 'queued') {
      const end = this.#ended.of({ ...push, sequence: push.ringSequence });
      // Taken over from a replica that had not come to write it down.
      if (end && !push.ringEnded) for (const one of await this.#rows.end([end])) this.#start(one);
      if (end || push.ringEnded) active.abort.abort();
      else if (this.#isAt(push)) active.abort.abort(itRings);
      const carried = await this.#courier.ring(push, active.abort.signal);
      const mayRing = carried.mayRing || push.wasTaken;
      reason = await this.#finished.add({ pushId: push.pushId, ...carried, mayRing, isTold: isTold(push.kind) });
    }
    if (reason !== null && isTold(push.kind)) await this.#tellEnd(push, reason);
  }

  async #tellEnd(push: RingPush, reason: EndReason): Promise<void> {
    await this.#told.add({ pushId: push.pushId, stop: await this.#courier.tellEnd(push, reason) });
  }

  async #finish(all: readonly Finished[]): Promise<Outcome<EndReason | null>[]> {
    const ended = await this.#rows.finish(all);
    return all.map(({ pushId }) => ({ done: ended.get(pushId) ?? null }));
  }

  async #renew(): Promise<void> {
    const ids = [...this.#active.keys()];
    try {
      const still = await this.#rows.renew(ids);
      // One that has just been finished is gone from the claims, and soon from here: to break it off does nothing.
      for (const id of ids) if (!still.has(id)) this.#active.get(id)?.abort.abort();
    } catch (error) {
      this.report(error, 'renewing claims of pushes');
    }
  }

  /** @returns milliseconds until the next look; null where there is no ring. */
  async #sweep(): Promise<number | null> {
    if (this.#stopping) return null;
    for (const push of await this.#rows.takeOver(atOnce, [...this.#active.keys()])) {
      this.log.info({ pushId: push.pushId, appId: push.appId, callId: push.callId }, 'took a push over');
      this.#start(push);
    }
    return Date.now() < this.#sweepUntil ? sweepEveryMs * (0.8 + Math.random() * 0.4) : null;
  }

  /** What is under way gets its answer; the claims of the rest lapse, and others take it. */
  async beforeApplicationShutdown(): Promise<void> {
    this.#stopping = true;
    this.#unconfirmed.stop();
    await this.#sweeps.stop();
    for (let waited = 0; this.#active.size > 0 && waited < 2000; waited += 50) await new Promise((resolve) => setTimeout(resolve, 50));
    clearInterval(this.#renewing);
  }
}
