import { randomUUID } from 'node:crypto';
import type { CallEvent, EndReason } from '@communication-center/contracts';
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
import type { KeptCredential } from '../credentials/credential-store.js';
import { KnownCredentials } from '../credentials/known-credentials.js';
import { isTold } from '../domain/push-messages.js';
import { type Ring, type RingEnd, ringEndsOf, ringsOf } from '../domain/rings.js';
import type { NotificationsSettings } from '../settings.js';
import { carryPush, providerOf, ringTold, stopTold } from './carry-push.js';
import { EndedLately } from './ended-lately.js';
import { ProviderWords } from './provider-words.js';
import { claimSeconds, type Finished, type RingPush, RingRows } from './ring-rows.js';

/** How often claims are renewed: twice, and a little, before they would be free. */
const renewEveryMs = claimSeconds * 400;
/** How often it is looked for what a dead replica left, while there are rings. */
const sweepEveryMs = 500;
/** For so long after the start there may be something that others left. */
const sweepForMs = 15_000;
/** Rings written in one statement at most. */
const atOnce = 250;
/** Rings that wait to be written at most: PostgreSQL is away when there are so many. */
const mostWaiting = 20_000;
/** How long a device may be told that the ring is over. */
const stopForMs = 10_000;

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
  readonly #ended = new EndedLately();
  /** Calls of which there are pushes, and until when there may be. */
  readonly #calls = new Map<string, number>();
  #rings: Ring[] = [];
  #ends: RingEnd[] = [];
  #isWorking = false;
  #mayBegin = false;
  #knowsOpen = false;
  #stopping = false;
  #sweepUntil = 0;
  #renewing: NodeJS.Timeout | undefined;
  readonly #sweeps: DueRows;
  readonly #finished: Gathering<Finished, EndReason | null>;
  readonly #told: Gathering<{ pushId: string; stop: 'accepted' | 'failed' }, null>;

  constructor(
    database: Postgres,
    private readonly known: KnownCredentials,
    private readonly words: ProviderWords,
    private readonly channels: PushChannels,
    @Inject(Settings) settings: NotificationsSettings,
    @Inject(Log) private readonly log: LineLog,
    @Inject(Report) private readonly report: ReportError,
  ) {
    this.#rows = new RingRows(database.of('commands'), randomUUID());
    this.#lanes = new Lanes({ concurrency: settings.PUSH_CONCURRENCY, waiting: settings.PUSH_WAITING });
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

  get figures(): Lanes['figures'] {
    return this.#lanes.figures;
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
    const now = Date.now();
    const rings = ringsOf(event).filter((ring) => Date.parse(ring.deadline) > now && !this.#ended.of(ring));
    if (this.#rings.length + rings.length > mostWaiting)
      return this.report(new Error('too many rings wait to be written'), 'ringing by push');
    this.#rings.push(...rings);
    if (rings.length > 0 || this.#ends.length > 0) void this.#work();
  }

  #takeEnd(end: RingEnd): void {
    this.#ended.note(end, Date.now());
    this.#rings = this.#rings.filter(
      ({ callId, userAlias, sequence }) => callId !== end.callId || userAlias !== end.userAlias || sequence > end.sequence,
    );
    for (const { push, abort } of this.#active.values())
      if (push.callId === end.callId && push.userAlias === end.userAlias && push.ringSequence < end.sequence) abort.abort();
    if (this.#calls.has(end.callId)) this.#ends.push(end);
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
        if (this.#ends.length > mostWaiting) this.#ends.splice(0, this.#ends.length - mostWaiting);
        await new Promise((resolve) => setTimeout(resolve, 250 + Math.random() * 250));
      }
    }
    this.#isWorking = false;
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
    const { mine, calls } = await this.#rows.begin(rings);
    const now = Date.now();
    for (const [callId, until] of this.#calls) if (until < now) this.#calls.delete(callId);
    for (const { callId, deadline } of rings) if (calls.has(callId)) this.#expectEndOf(callId, Date.parse(deadline));
    if (calls.size > 0) this.#sweeps.wake();
    for (const push of mine) this.#start(push);
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
    const lane = this.#lanes.of(push.appId, providerOf(push));
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
      const carried = await this.#ring(active);
      const mayRing = carried.mayRing || push.wasTaken;
      reason = await this.#finished.add({ pushId: push.pushId, ...carried, mayRing, isTold: isTold(push.kind) });
    }
    if (reason !== null && isTold(push.kind)) await this.#tellEnd(push, reason);
  }

  async #ring({ push, abort }: Active): Promise<Pick<Finished, 'state' | 'reason' | 'attempts' | 'mayRing'>> {
    const none = { attempts: 0, mayRing: false };
    if (!push.target) return { ...none, state: 'cancelled', reason: 'the device is registered no more' };
    const provider = providerOf(push);
    const credential = await this.#credentialOf(push);
    if (!credential) return { ...none, state: 'failed', reason: `the app has no credentials for ${provider} that open here` };
    const lane = this.#lanes.of(push.appId, provider);
    const { target } = push;
    return carryPush({
      lane,
      channel: this.channels.of(provider),
      credential,
      target,
      told: () => ringTold(push),
      until: push.deadline.getTime(),
      signal: abort.signal,
      onOutcome: (outcome, sentAt) => this.words.heard(push, lane, outcome, { sentAt, version: credential.version }),
    });
  }

  async #tellEnd(push: RingPush, reason: EndReason): Promise<void> {
    const provider = providerOf(push);
    const credential = await this.#credentialOf(push);
    const lane = this.#lanes.of(push.appId, provider);
    const carried =
      push.target &&
      credential &&
      (await carryPush({
        lane,
        channel: this.channels.of(provider),
        credential,
        target: push.target,
        told: () => stopTold(push, reason),
        until: Date.now() + stopForMs,
        signal: new AbortController().signal,
        onOutcome: (outcome, sentAt) => this.words.heard(push, lane, outcome, { sentAt, version: credential.version }),
      }));
    await this.#told.add({ pushId: push.pushId, stop: carried?.state === 'accepted' ? 'accepted' : 'failed' });
  }

  async #credentialOf(push: RingPush): Promise<KeptCredential | undefined> {
    try {
      return await this.known.of(push.appId, providerOf(push));
    } catch (error) {
      this.report(error, 'reading credentials');
      return undefined;
    }
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
    await this.#sweeps.stop();
    for (let waited = 0; this.#active.size > 0 && waited < 2000; waited += 50) await new Promise((resolve) => setTimeout(resolve, 50));
    clearInterval(this.#renewing);
  }
}
