import { resumeTrace } from '@communication-center/service';
import type { SendResult } from '../deliver/sender.js';
import { afterAnswer, type Health, isOpen, mayBegin, newHealth } from '../domain/endpoint-health.js';
import { type CallFacts, needsCallFacts } from '../domain/event-filter.js';
import { bodyOf, isOfCall, type PlacedMessage } from '../domain/message.js';
import { Reader } from '../domain/reader.js';
import { Waiting } from '../domain/waiting.js';
import { wanted } from '../domain/wanted.js';
import type { Endpoint } from '../endpoints/endpoint-store.js';
import { answerIn, outcomeOf } from './attempted.js';
import type { Delivery, LaneStart, LaneTools } from './delivery.js';
import type { LanePlace, WaitingRow } from './lane-rows.js';
import type { DeliveryOutcome } from './outcomes.js';

/** So long before a reader is empty it asks for more. */
const lowWater = 0.5;

/** One endpoint's deliveries: it reads its app's log, has its own connections and its own health, and waits for nobody. */
export class Lane {
  readonly endpointId: string;
  readonly #reader: Reader<Delivery>;
  #health: Health;
  #underWay = 0;
  readonly #waiting: Waiting;
  #replaysUnderWay = 0;
  /** Whether its receiver took the last one it answered. */
  isProven = false;
  #stopping = false;
  #hasEnded = false;
  readonly #breakOff = new AbortController();
  #timer: { at: number; handle: NodeJS.Timeout } | undefined;
  #saved: Pick<LanePlace, 'position' | 'failingSince'>;
  #unrecorded = 0;
  #paidUntil = 0;
  /** Of the place that it began at. */
  readonly #movedAt: number | null;

  constructor(
    public endpoint: Endpoint,
    { row, settled, blocked }: LaneStart,
    private readonly tools: LaneTools,
    private readonly onChange: () => void,
  ) {
    this.endpointId = row.endpointId;
    this.#movedAt = row.movedAt;
    this.#saved = { position: row.position, failingSince: row.failingSince };
    const known = { settled, blocked };
    this.#reader = new Reader(row.position, endpoint.ordering, tools.length, known);
    this.#health = newHealth(row.failingSince);
    this.#waiting = new Waiting(row.dueInMs === null ? null : tools.now() + row.dueInMs);
  }

  /** Whether it was found that its endpoint takes nothing any more. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Whether it began before its endpoint was told to go on from another place. */
  isOvertakenBy({ movedAt }: Endpoint): boolean {
    return (movedAt ?? 0) > (this.#movedAt ?? 0);
  }

  get isStopped(): boolean {
    return this.#stopping;
  }

  get cursor(): number {
    return this.#reader.cursor;
  }

  /** Whether it would read on in the log: a dead one does only to find out whether it still is. */
  get wantsMore(): boolean {
    if (this.#stopping || this.#reader.room < this.tools.length * lowWater) return false;
    return !isOpen(this.#health) || (this.#waiting.dueAt === null && !this.#reader.hasNext && this.#underWay === 0);
  }

  /** Whether what waits may be read now. */
  get wantsWaiting(): boolean {
    const { readAt } = this.#waiting;
    if (this.#stopping || readAt === null) return false;
    const now = this.tools.now();
    return isOpen(this.#health) ? mayBegin(this.#health, this.#underWay, this.#limit, now).count > 0 : readAt <= now;
  }

  /** Requests it has under way. */
  get underWay(): number {
    return this.#underWay;
  }

  get isIdle(): boolean {
    return this.#reader.isIdle && this.#underWay === 0 && this.#unrecorded === 0 && this.#waiting.dueAt === null;
  }

  /** Whether requests are under way, or what came of them is not on record. */
  get isBusy(): boolean {
    return this.#underWay > 0 || this.#unrecorded > 0;
  }

  get figures(): { isFull: boolean; tasks: number } {
    return { isFull: this.#reader.room === 0, tasks: this.tools.length - this.#reader.room + this.#waiting.inHand };
  }

  /** Takes what comes after `after` in the log, as far as there is room. @param upTo where the log has nothing more until then. @param calls what filters ask of them: without it whoever asks stays behind, and reads them. */
  offer(after: number, messages: readonly PlacedMessage[], upTo: number, calls?: ReadonlyMap<string, CallFacts>): void {
    if (this.#stopping || this.#reader.cursor < after || (!calls && needsCallFacts(this.endpoint))) return;
    for (const message of messages) {
      // A dead one is sent one delivery at a time: the rest stays in the log.
      if (isOpen(this.#health) && this.#reader.hasNext) return this.pump();
      const { messageId, subject, position } = message;
      const delivery = { messageId, subject, position, message, made: 0, isAgain: false, earlier: 0, jobId: null };
      const taken = this.#reader.offer(delivery, wanted(this.endpoint, message, calls?.get(message.subject)), this.tools.now());
      if (taken === 'full') return this.pump();
      if (taken === 'held') this.#hold(delivery);
    }
    this.#reader.skipTo(upTo);
    this.pump();
  }

  /** What waits is being read. */
  readsWaiting(): void {
    this.#waiting.reads();
  }

  /** What waits could not be read: it is tried again in a while. */
  couldNotRead(): void {
    this.#waiting.couldNotRead(this.tools.now() + 1000);
    this.pump();
  }

  /** Takes what waits, as it was read: so much at most of each kind. */
  offerWaiting(rows: readonly WaitingRow[], most: number): void {
    // One that is due later may find out whether a dead receiver still is.
    const due = this.#waiting.read(
      rows.map((row) => ({ ...row, messageId: row.message.messageId })),
      most,
      this.tools.now(),
      isOpen(this.#health),
    );
    for (const { message, messageId, made, earlier, jobId } of due) {
      const delivery = { messageId, subject: message.subject, position: null, message, made, isAgain: true, earlier, jobId };
      // What is tried again waits for nobody, nor does anybody wait for it here.
      if (jobId === null) this.#reader.offerAgain(delivery);
      else this.#reader.offerReplay(delivery);
    }
    this.pump();
  }

  /** There may be something that waits, of which nobody told. */
  lookAgain(): void {
    this.#waiting.lookAgain(this.tools.now());
    this.pump();
  }

  /** Something waits now, beside what is known to. */
  haveAgain(): void {
    this.#waiting.told(this.tools.now());
    this.pump();
  }

  /** Begins what may be begun. */
  pump(): void {
    while (!this.#stopping && this.#reader.hasNextBut(!this.#mayReplay) && this.tools.mayWork(this.endpoint.appId)) {
      const now = this.tools.now();
      const { count, at } = mayBegin(this.#health, this.#underWay, this.#limit, now);
      if (at !== null) return this.#wakeAt(at);
      if (count === 0) return;
      if (this.#paidUntil > now) return this.#wakeAt(this.#paidUntil);
      if (!this.tools.places.isFreeFor(this) || !this.tools.turns.take(this)) return;
      const delivery = this.#reader.next(isOpen(this.#health), this.#mayReplay);
      if (!delivery) break;
      this.#pay(now);
      this.#begin(delivery);
    }
    const now = this.tools.now();
    for (const at of [this.#waiting.readAt, this.#health.openUntil]) if (at !== null && at > now) this.#wakeAt(at);
    if (this.wantsMore || this.wantsWaiting) this.onChange();
  }

  /** Begins nothing any more. */
  stop(): void {
    this.#stopping = true;
    this.#reader.drop();
    clearTimeout(this.#timer?.handle);
  }

  /** Breaks off what is under way: it counts as not tried. */
  breakOff(): void {
    this.#breakOff.abort();
  }

  /** Frees its connections. */
  async close(): Promise<void> {
    await this.tools.sender.release(this.endpointId);
  }

  /** @returns how far it is, where that is not on record yet. */
  unsaved(): LanePlace | undefined {
    const { position, unsettledSince } = this.#reader;
    const { failingSince } = this.#health;
    const since = unsettledSince ?? this.tools.now();
    const isSaved = this.#saved.position === position && this.#saved.failingSince === failingSince;
    return isSaved ? undefined : { endpointId: this.endpointId, position, since, failingSince, movedAt: this.#movedAt };
  }

  saved(place: LanePlace): void {
    this.#saved = place;
  }

  get #limit(): number {
    return Math.min(this.tools.concurrency, this.endpoint.concurrency ?? this.tools.concurrency);
  }

  /** Jobs have half of an endpoint's places at most, so that what is new finds one. */
  get #mayReplay(): boolean {
    return this.#replaysUnderWay < Math.max(1, Math.floor(Math.min(this.#health.share, this.#limit) / 2));
  }

  #pay(now: number): void {
    const rate = this.endpoint.ratePerSecond;
    if (rate !== null) this.#paidUntil = Math.max(this.#paidUntil, now - 1000) + 1000 / rate;
  }

  #wakeAt(at: number): void {
    if (this.#stopping || (this.#timer && this.#timer.at <= at)) return;
    clearTimeout(this.#timer?.handle);
    const handle = setTimeout(
      () => {
        this.#timer = undefined;
        this.pump();
      },
      Math.min(2 ** 31 - 1, Math.max(1, Math.ceil(at - this.tools.now()))),
    );
    this.#timer = { at, handle };
  }

  #begin(delivery: Delivery): void {
    const { message, messageId } = delivery;
    this.#countUnderWay(delivery, 1);
    const place = this.tools.places.take(this);
    const about = {
      traceparent: message.traceparent ?? undefined,
      appid: message.appId,
      callid: isOfCall(message) ? message.subject : undefined,
    };
    const begunAt = this.tools.now();
    const sent = resumeTrace([about], () =>
      this.tools.sender.send(this.endpoint, { deliveryId: messageId, body: bodyOf(message), signal: this.#breakOff.signal }),
    );
    const ended = (result: SendResult | 'broken off') => {
      this.#countUnderWay(delivery, -1);
      this.tools.places.free(place);
      if (result !== 'broken off') this.#ended(delivery, result, begunAt);
    };
    void sent.then(ended, (error: unknown) => {
      this.tools.onError(error, 'delivering a webhook');
      ended({ status: null, error: String(error), retryAfterMs: null, durationMs: this.tools.now() - begunAt });
    });
  }

  #countUnderWay({ jobId }: Delivery, by: number): void {
    this.#underWay += by;
    if (jobId !== null) this.#replaysUnderWay += by;
  }

  #ended(delivery: Delivery, result: SendResult, begunAt: number): void {
    const answer = answerIn(result);
    const now = this.tools.now();
    this.isProven = answer.isAccepted;
    this.#health = afterAnswer(this.#health, answer, this.#limit, now, Math.random());
    const attempted = { result, health: this.#health, begunAt, now };
    const { outcome, isSettled, nextAt } = outcomeOf(this.endpoint, delivery, attempted, this.tools);
    if (outcome.disabled) {
      this.#hasEnded = true;
      this.stop();
    }
    if (delivery.isAgain && isSettled && this.#reader.freed(delivery.message.subject)) {
      outcome.freed = { endpointId: this.endpointId, subject: delivery.message.subject };
    }
    const held = this.#reader.ended(delivery, isSettled);
    if (delivery.jobId !== null) this.#reader.endedReplay(delivery.subject);
    this.#record(outcome, delivery, nextAt ?? (outcome.freed ? now : null));
    for (const one of held) this.#hold(one);
    this.pump();
  }

  #record(outcome: DeliveryOutcome, delivery: Delivery, dueAt: number | null): void {
    this.#unrecorded += 1;
    this.tools.outcomes.add(outcome).then(
      () => {
        this.#unrecorded -= 1;
        this.#reader.settled(delivery.position);
        if (dueAt !== null) this.#waiting.due(dueAt);
        if (delivery.isAgain) this.#waiting.ended(delivery, this.tools.now());
        if (outcome.told || outcome.disabled) this.tools.onNotice();
        if (outcome.disabled) this.onChange();
        this.pump();
      },
      (error: unknown) => {
        // It stays unsettled: whoever reads on from the position delivers it again.
        this.#unrecorded -= 1;
        this.tools.onError(error, 'recording a delivery');
      },
    );
  }

  #hold(delivery: Delivery): void {
    this.#record({ kept: { endpointId: this.endpointId, message: delivery.message, state: 'held', made: 0 } }, delivery, null);
  }
}
