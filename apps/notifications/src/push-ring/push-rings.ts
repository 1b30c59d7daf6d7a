import { randomUUID } from 'node:crypto';
import type { AppId, CallEvent, RingConfirmed } from '@communication-center/contracts';
import { OutboxRelay } from '@communication-center/event-log';
import { DueRows, Gathering, type LineLog, Log, Postgres, Report, type ReportError, Settings } from '@communication-center/service';
import { type BeforeApplicationShutdown, Inject, Injectable } from '@nestjs/common';
import { Lanes } from '../channels/lanes.js';
import { PushChannels } from '../channels/push-channels.js';
import { KnownCredentials } from '../credentials/known-credentials.js';
import { type Ring, type RingEnd, ringEndsOf, ringsOf } from '../domain/rings.js';
import type { NotificationsSettings } from '../settings.js';
import { type Confirmed, ConfirmedLately } from './confirmed-lately.js';
import { Courier, stopForMs } from './courier.js';
import { EndedLately } from './ended-lately.js';
import { ProviderWords } from './provider-words.js';
import { PushesInHand } from './pushes-in-hand.js';
import { RingRows } from './ring-rows.js';
import { RingTokens } from './ring-tokens.js';
import { UnconfirmedRings } from './unconfirmed-rings.js';
import { WaitingRings } from './waiting-rings.js';

/** How often it is looked for what a dead replica left, or there was no room for, while there are rings. */
const sweepEveryMs = 500;
/** Which devices ring is written down so far apart, in milliseconds: nobody waits for it. */
const rangEveryMs = 200;
/** For so long after the start there may be something that others left. */
const sweepForMs = 15_000;
/** Rings written in one statement at most. */
const atOnce = 250;
/** So many wait to be written at most: PostgreSQL is away when there are so many. */
const mostWaiting = 20_000;

/**
 * Rings devices that have no socket open, and tells them when it is over. Every replica hears every event; whoever writes the row of a
 * push first has it, and keeps it by renewing its claim. So a killed replica's pushes are another's within a second or two, and a push
 * is made once more at most, and never after the ring's deadline.
 */
@Injectable()
export class PushRings implements BeforeApplicationShutdown {
  readonly #rows: RingRows;
  readonly #lanes: Lanes;
  readonly #inHand: PushesInHand;
  readonly #ended = new EndedLately();
  readonly #confirmed = new ConfirmedLately();
  readonly #unconfirmed: UnconfirmedRings;
  /** Calls of which there are pushes, and until when there may be. */
  readonly #calls = new Map<string, number>();
  readonly #rings = new WaitingRings(mostWaiting, () => this.#leaveOut());
  #ends: RingEnd[] = [];
  #isWorking = false;
  #mayBegin = false;
  #knowsOpen = false;
  #stopping = false;
  #sweepUntil = 0;
  #hasLeftOut = false;
  #onRoom: (() => void) | undefined;
  readonly #sweeps: DueRows;
  readonly #rang: Gathering<Confirmed & { appId: AppId }, null>;

  constructor(
    database: Postgres,
    private readonly known: KnownCredentials,
    words: ProviderWords,
    channels: PushChannels,
    tokens: RingTokens,
    relay: OutboxRelay,
    @Inject(Settings) settings: NotificationsSettings,
    @Inject(Log) private readonly log: LineLog,
    @Inject(Report) private readonly report: ReportError,
  ) {
    this.#rows = new RingRows(database.of('commands'), randomUUID(), { tells: (appId) => known.tellsRings(appId), relay });
    this.#lanes = new Lanes({ concurrency: settings.PUSH_CONCURRENCY, waiting: settings.PUSH_WAITING });
    const courier = new Courier({ lanes: this.#lanes, known, channels, words, tokens, report });
    this.#inHand = new PushesInHand({ rows: this.#rows, courier, ended: this.#ended, confirmed: this.#confirmed, report });
    this.#unconfirmed = new UnconfirmedRings({
      afterMs: settings.PUSH_UNCONFIRMED_MS,
      hasConfirmed: (ring, deviceId) => this.#confirmed.of(ring, deviceId) !== undefined,
      onUnconfirmed: (ring, silent) => this.#add([{ ...ring, silent }]),
    });
    this.#rang = new Gathering<Confirmed & { appId: AppId }, null>({
      ...{ mostAtOnce: atOnce, mostWaiting, paceMs: rangEveryMs, whose: ({ appId }) => appId },
      work: async (confirmed) => {
        await this.#rows.rang(confirmed);
        return confirmed.map(() => ({ done: null }));
      },
    });
    this.#sweeps = new DueRows({ name: 'taking pushes over', work: () => this.#sweep(), onError: report, maxPauseMs: 30_000 });
  }

  /** `waiting`: rings and ends that wait for the database; `leftOut`: rings for which there was no room, since the start. */
  get figures(): Lanes['figures'] & { waiting: number; leftOut: number } {
    return { ...this.#lanes.figures, waiting: this.#waiting, leftOut: this.#rings.leftOut };
  }

  /** Whether there is anything to do for a ring now, beside waiting. */
  get areUnderWay(): boolean {
    return this.#inHand.size > 0 || this.#waiting > 0;
  }

  get #waiting(): number {
    return this.#rings.size + this.#ends.length;
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
    { appid: appId, callid: callId, sequence, time: since }: Pick<CallEvent, 'appid' | 'callid' | 'sequence' | 'time'>,
  ): void {
    const confirmed = { callId, userAlias, deviceId, sequence, since, through };
    this.#confirmed.note(confirmed, Date.now());
    this.#unconfirmed.confirmed(confirmed);
    this.#inHand.confirmed(callId, deviceId);
    if (!this.#calls.has(callId)) return;
    this.#rang.add({ ...confirmed, appId }).catch((error: unknown) => this.report(error, 'noting that devices ring'));
  }

  #add(rings: readonly Ring[]): void {
    const now = Date.now();
    for (const ring of rings) if (Date.parse(ring.deadline) > now && !this.#ended.of(ring)) this.#rings.add(ring);
    if (this.#waiting > 0) void this.#work();
  }

  /** What there is no room for lies in the log: it is taken anew once there is. Ends are heard all the while, so that none of it rings for nothing. */
  #leaveOut(): void {
    if (!this.#hasLeftOut) this.report(new Error('too many rings wait to be written: others are read again later'), 'ringing by push');
    this.#hasLeftOut = true;
  }

  /** Has it said when there is room again for what was left out: then the last minutes' events are to be taken anew. */
  onRoom(listener: () => void): void {
    this.#onRoom = listener;
  }

  #takeEnd(end: RingEnd): void {
    this.#ended.note(end, Date.now());
    this.#unconfirmed.ended(end);
    this.#rings.ended(end);
    this.#inHand.ended(end);
    if (!this.#calls.has(end.callId)) return;
    if (this.#ends.length < mostWaiting) this.#ends.push(end);
    else this.#leaveOut();
  }

  /** Writes what waits, one statement after the other: what comes meanwhile goes together into the next. */
  async #work(): Promise<void> {
    if (this.#isWorking || !this.#mayBegin) return;
    this.#isWorking = true;
    // What comes in the same turn of the event loop goes together: of a crowd the first statement has hundreds, not one.
    await new Promise((resolve) => setImmediate(resolve));
    while (!this.#stopping && (!this.#knowsOpen || this.#waiting > 0)) {
      const [rings, ends] = [this.#rings.take(atOnce), this.#ends.splice(0, atOnce)];
      try {
        if (!this.#knowsOpen) await this.#learnOpen();
        if (rings.length > 0) await this.#begin(rings);
        if (ends.length > 0) for (const push of await this.#rows.end(ends)) this.#inHand.start(push);
      } catch (error) {
        this.report(error, 'writing pushes');
        this.#add(rings);
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
    // In the order in which they came: a crowd's thousands are not looked through for each statement.
    for (const [callId, until] of this.#calls) {
      if (until >= now) break;
      this.#calls.delete(callId);
    }
    for (const { callId, deadline } of rings) if (calls.has(callId)) this.#expectEndOf(callId, Date.parse(deadline));
    if (calls.size > 0) this.#sweeps.wake();
    for (const push of mine) this.#inHand.start(push);
    for (const { ring, devices } of withSocket) if (!this.#ended.of(ring)) this.#unconfirmed.expect(ring, devices, now);
    // What ended while the statement was under way was not known to have pushes.
    const late = rings.flatMap((ring) => (calls.has(ring.callId) ? (this.#ended.of(ring) ?? []) : []));
    this.#ends.push(...late.filter((end) => !this.#ends.includes(end)));
  }

  /** @returns milliseconds until the next look; null where there is no ring. */
  async #sweep(): Promise<number | null> {
    if (this.#stopping) return null;
    const taken = await this.#rows.takeOver(atOnce, { inHand: this.#inHand.ids, full: this.#lanes.full, telling: this.known.tellingRings });
    for (const push of taken) {
      this.log.info({ pushId: push.pushId, appId: push.appId, callId: push.callId }, 'took a push over');
      this.#inHand.start(push);
    }
    if (taken.length === atOnce) return 0;
    return Date.now() < this.#sweepUntil ? sweepEveryMs * (0.8 + Math.random() * 0.4) : null;
  }

  /** What is under way gets its answer; the claims of the rest lapse, and others take it. */
  async beforeApplicationShutdown(): Promise<void> {
    this.#stopping = true;
    this.#unconfirmed.stop();
    await this.#sweeps.stop();
    await this.#inHand.stop();
  }
}
