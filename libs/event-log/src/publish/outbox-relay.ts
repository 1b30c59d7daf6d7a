import type { AnyEvent } from '@communication-center/contracts';
import { CommittedRows } from './committed-rows.js';
import { LaneFloors } from './lane-floors.js';
import { LaneOwnership, shardOf } from './lane-ownership.js';
import { LeaderProducers, type Outcome, sendRows } from './lane-sender.js';
import { findLanes, type Lane, laneName, laneNamed, type OutboxRow, setAside, type WrittenRow } from './lanes.js';
import { OutboxUpkeep } from './outbox-upkeep.js';
import { OwnerCalls } from './owner-calls.js';
import { ReconcileLoop } from './reconcile-loop.js';
import { RelayCount, type RelayFigures } from './relay-figures.js';
import { type RelayOptions, type Settled, settled } from './relay-options.js';
import { SentRowMarks } from './sent-marks.js';
import { TopicMap } from './topic-map.js';
import { UnsendableRows } from './unsendable.js';

/** So long after the last event nobody is taken to be at anything. */
const quietAfterMs = 30_000;
/** Longer than closing 20,000 sessions takes, shorter than anybody waits for what it tells. */
const longestHoldMs = 1500;

/**
 * Moves committed outbox rows into Kafka, in order within a key, at least once.
 *
 * A lane is a partition of a topic. Its owner among the replicas (see {@link LaneOwnership}) sends what has committed to the
 * partition's leader: one request at a time for each leader, so that one that is away stops its own partitions alone. What this
 * process has written itself goes without being read where that is certain to keep the order (see {@link CommittedRows}); all
 * else is read. Rows leave the outbox one by one, each when its partition has answered with an offset, many in one statement.
 */
export class OutboxRelay {
  readonly #options: Settled;
  readonly #ownership: LaneOwnership;
  readonly #map: TopicMap;
  readonly #producers: LeaderProducers;
  readonly #floors = new LaneFloors();
  readonly #committed: CommittedRows;
  readonly #marks: SentRowMarks;
  readonly #unsendable: UnsendableRows;
  readonly #upkeep: OutboxUpkeep;
  readonly #reconciling: ReconcileLoop | undefined;
  readonly #calls: OwnerCalls;
  /** Sends in flight, by leader, with the names of their lanes. */
  readonly #inFlight = new Map<number, { lanes: Set<string>; shards: Set<number>; done: Promise<void> }>();
  /** Lanes that may hold what is not waiting in this process, by name. */
  readonly #toRead = new Map<string, Lane>();
  #readAll = true;
  #readAllAt = Number.NEGATIVE_INFINITY;
  /** When there last was an event. */
  #busyAt = performance.now();
  #stopping = false;
  readonly #count = new RelayCount();
  #heldUntil = Number.NEGATIVE_INFINITY;
  #isSignalled = false;
  #endPause: (() => void) | undefined;
  #publishing: Promise<void> | undefined;

  constructor(options: RelayOptions) {
    this.#options = settled(options);
    const { database, log, onError, keptElsewhere, countedFromOne, bytesPerLane } = this.#options;
    const channel = `outbox_${database.schema}`;
    this.#map = new TopicMap({ log, onError });
    this.#producers = new LeaderProducers(log);
    this.#unsendable = new UnsendableRows(database, onError);
    this.#committed = new CommittedRows({ topics: countedFromOne, rowsPerLane: 500, bytesPerLane });
    const keepsEvents = (topic: string) => !keptElsewhere.includes(topic);
    this.#marks = new SentRowMarks({ database, keepsEvents, everyMs: this.#options.markEveryMs, onError });
    this.#calls = new OwnerCalls(database, channel, onError);
    this.#ownership = new LaneOwnership({
      database,
      channel,
      onError,
      isBusy: (shard) => this.#marks.has(shard) || [...this.#inFlight.values()].some(({ shards }) => shards.has(shard)),
      onNews: (lanes) => this.#hear(lanes),
      onTick: () => this.#upkeep.tick(),
    });
    const { topics, keepMs, onCountChanged, reconciler, reconcileEveryMs } = this.#options;
    const upkeep = { database, topics, keepMs, onError, onCountChanged, onPlaced: () => this.#wakeAll() };
    this.#upkeep = new OutboxUpkeep(upkeep, this.#ownership, this.#map, this.#unsendable);
    this.#reconciling =
      reconciler &&
      new ReconcileLoop({
        reconciler,
        ownership: this.#ownership,
        everyMs: reconcileEveryMs,
        onRepaired: (rows) => this.committed(rows),
        onError,
      });
  }

  /** @returns the shards this replica publishes now. */
  get owned(): ReadonlySet<number> {
    return this.#ownership.owned;
  }

  /** How its work goes. */
  get figures(): RelayFigures {
    return this.#count.figuresWith(this.#ownership);
  }

  start(): void {
    if (!this.#options.isNeeded) return;
    this.#ownership.start();
    this.#publishing = this.#publishLoop();
    this.#reconciling?.start();
  }

  /** Publishes what has committed, as far as that takes no more than two seconds, and gives the shards up. */
  async stop(): Promise<void> {
    const enough = Date.now() + 2000;
    while (this.#publishing && Date.now() < enough && (await this.#hasMore())) await new Promise((resolve) => setTimeout(resolve, 20));
    this.#stopping = true;
    this.#calls.stop();
    this.#signal();
    await this.#publishing;
    await Promise.all([this.#upkeep.stop(), this.#reconciling?.stop(), ...[...this.#inFlight.values()].map(({ done }) => done)]);
    await this.#marks.stop();
    await this.#ownership.stop();
    await Promise.all([this.#producers.stop(), this.#map.stop()]);
  }

  /** Ends the comparing, before whatever else of this process stops: nobody waits for it, and another replica goes on with it. */
  async compareNoMore(): Promise<void> {
    await this.#reconciling?.stop();
  }

  /**
   * Carries out what writes a great many rows in several transactions, and begins to publish them only when it is done, or
   * after a second and a half: on a busy machine the work of publishing the first ones would delay the last by far more.
   */
  async publishingAfter<T>(work: () => Promise<T>): Promise<T> {
    this.#heldUntil = performance.now() + longestHoldMs;
    try {
      return await work();
    } finally {
      this.#heldUntil = Number.NEGATIVE_INFINITY;
      this.#wakeAll();
    }
  }

  /**
   * Says what follows from an event that can never be published, such as ending its call. It is tried again until it resolves,
   * and may come twice.
   */
  onUnsendable(act: (topic: string, event: AnyEvent) => Promise<void>): void {
    this.#unsendable.act = act;
  }

  /** Says that rows have committed: they go from here, or their lanes' owner is woken, here or, by one coalesced NOTIFY, elsewhere. */
  committed(rows: readonly WrittenRow[]): void {
    if (this.#stopping || rows.length === 0) return;
    this.#busyAt = performance.now();
    let own = 0;
    for (const row of rows) {
      if (row.partition < 0 || !this.#ownership.owns(row.partition)) {
        this.#calls.call(row);
        continue;
      }
      own += 1;
      // What is to be read is read with whatever has committed by then.
      if (!this.#toRead.has(laneName(row)) && !this.#committed.add(row)) this.#readSoon(row);
    }
    if (own > 0) this.#signal();
  }

  /** Takes up what another replica, or one of an earlier release, says: which lanes it has written to, or that there is something. */
  #hear(names: readonly string[]): void {
    this.#busyAt = performance.now();
    const lanes = names.map(laneNamed);
    if (lanes.length === 0 || lanes.some((lane) => lane === undefined || lane.partition < 0)) return this.#wakeAll();
    for (const lane of lanes) if (lane && this.#ownership.owns(lane.partition)) this.#readSoon(lane);
    if (this.#toRead.size > 0) this.#signal();
  }

  #readSoon({ topic, partition }: Lane): void {
    const lane = { topic, partition };
    this.#committed.drop(lane);
    this.#toRead.set(laneName(lane), lane);
  }

  #wakeAll(): void {
    this.#readAll = true;
    this.#signal();
  }

  #signal(): void {
    this.#isSignalled = true;
    this.#endPause?.();
  }

  async #pause(milliseconds: number): Promise<void> {
    if (!this.#isSignalled && !this.#stopping) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, milliseconds);
        this.#endPause = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      this.#endPause = undefined;
    }
    this.#isSignalled = false;
  }

  /** Whether rows of this replica's lanes wait, and could be sent. */
  async #hasMore(): Promise<boolean> {
    if (!this.#ownership.isProven) return false;
    if (this.#inFlight.size > 0) return true;
    await this.#marks.flush().catch(() => undefined);
    const lanes = await findLanes(this.#options.database).catch(() => []);
    return lanes.some((lane) => this.#ownership.owns(lane.partition) && this.#map.leaderOf(lane) !== undefined);
  }

  async #publishLoop(): Promise<void> {
    while (!this.#stopping) {
      try {
        await this.#publish();
        const held = this.#heldUntil - performance.now();
        await this.#pause(held > 0 ? held : this.#pollMs);
      } catch (error) {
        this.#options.onError(error, 'reading the outbox');
        await this.#pause(300 + Math.random() * 400);
      }
    }
  }

  /** Begins to send what waits here and, once they were read, what is in the lanes that may have more, as far as their leaders are free. */
  async #publish(): Promise<void> {
    if (!this.#ownership.isProven || this.#ownership.owned.size === 0 || performance.now() < this.#heldUntil) return;
    if (this.#marks.isFull) await this.#marks.flush();
    await this.#lookAtAll();
    const isOwn = ({ partition }: Lane) => this.#ownership.owns(partition);
    for (const lane of [...this.#toRead.values()]) if (!isOwn(lane)) this.#toRead.delete(laneName(lane));
    const read = await this.#read([...this.#toRead.values()].filter((lane) => this.#isFree(lane)));
    // What was just read is acknowledged before anything that follows it.
    const busy = new Set([...this.#toRead.keys(), ...read.map(laneName)]);
    this.#committed.keepOnly(isOwn);
    const { rows: fresh, unsure } = this.#committed.take((lane) => !busy.has(laneName(lane)) && this.#isFree(lane));
    for (const lane of unsure) this.#readSoon(lane);
    if (unsure.length > 0) this.#signal();
    const rows = [...read, ...fresh];
    if (rows.length > 0) await this.#options.beforeSend?.();
    for (const [leader, ofLeader] of Map.groupBy(rows, (row) => this.#map.leaderOf(row))) {
      if (leader === undefined || ofLeader.some((row) => !this.#isFree(row))) this.#readAll = true;
      else this.#begin(leader, ofLeader);
    }
  }

  get #pollMs(): number {
    const { pollMs, quietPollMs } = this.#options;
    return performance.now() - this.#busyAt > quietAfterMs ? quietPollMs : pollMs;
  }

  /** Each `pollMs`, and when somebody else says that there is something, all lanes that hold rows are to be read. */
  async #lookAtAll(): Promise<void> {
    if (!this.#readAll && performance.now() - this.#readAllAt < this.#pollMs) return;
    this.#readAll = false;
    this.#readAllAt = performance.now();
    const lanes = await findLanes(this.#options.database).catch((error: unknown) => {
      this.#readAll = true;
      throw error;
    });
    if (lanes.length > 0) this.#busyAt = performance.now();
    if (lanes.some(({ partition }) => partition < 0)) this.#upkeep.placeSoon();
    for (const lane of lanes) if (lane.partition >= 0 && this.#ownership.owns(lane.partition)) this.#readSoon(lane);
  }

  /** @returns the first rows of lanes; those that may have more stay among those to be read. */
  async #read(lanes: readonly Lane[]): Promise<OutboxRow[]> {
    if (lanes.length === 0) return [];
    for (const lane of lanes) this.#toRead.delete(laneName(lane));
    const rowsPerLane = Math.min(500, Math.max(20, Math.floor(this.#options.rowsPerRead / lanes.length)));
    const limits = { rowsPerLane, bytesPerLane: this.#options.bytesPerLane, floors: this.#floors.of(lanes) };
    try {
      const { rows, unfinished } = await this.#marks.read(lanes, limits);
      for (const lane of unfinished) this.#readSoon(lane);
      // What has committed here since may have been read or not.
      this.#committed.found(rows);
      return rows;
    } catch (error) {
      for (const lane of lanes) this.#readSoon(lane);
      throw error;
    }
  }

  #isFree(lane: Lane): boolean {
    if (!this.#ownership.owns(lane.partition)) return false;
    const leader = this.#map.leaderOf(lane);
    if (leader === undefined || this.#inFlight.has(leader)) return false;
    // It may be in flight to the broker that led it before: nothing overtakes that.
    return [...this.#inFlight.values()].every(({ lanes }) => !lanes.has(laneName(lane)));
  }

  #begin(leader: number, rows: OutboxRow[]): void {
    const done = this.#send(leader, rows)
      .catch((error: unknown) => {
        this.#options.onError(error, 'publishing the outbox');
        return false;
      })
      .then(async (isWell) => {
        if (!isWell) {
          this.#count.failed();
          await new Promise((resolve) => setTimeout(resolve, 300 + Math.random() * 400));
        }
        this.#inFlight.delete(leader);
        if (!isWell) this.#wakeAll();
        else if (this.#toRead.size > 0 || !this.#committed.isEmpty) this.#signal();
      });
    this.#inFlight.set(leader, {
      lanes: new Set(rows.map(laneName)),
      shards: new Set(rows.map(({ partition }) => shardOf(partition))),
      done,
    });
  }

  /** @returns whether all went. */
  async #send(leader: number, rows: readonly OutboxRow[]): Promise<boolean> {
    const { sendThrough = (send) => send } = this.#options;
    const producer = await this.#producers.for(leader, this.#map.generation);
    // The locks may have gone during the read, and this process may have been frozen since: the next owner sends these, or this
    // one, if it turns out to be that.
    if (!this.#ownership.isProven) {
      this.#readAll = true;
      return true;
    }
    const outcome = await sendRows(
      sendThrough((batch) => producer.sendBatch(batch)),
      rows,
    );
    await this.#options.beforeMark?.();
    await this.#record(outcome);
    if (outcome.failure === undefined) return true;
    this.#producers.discard(leader);
    this.#map.refresh();
    this.#options.onError(outcome.failure, 'publishing the outbox');
    return false;
  }

  async #record({ sent, refused }: Outcome): Promise<void> {
    const { database, onSetAside } = this.#options;
    this.#marks.add(sent);
    this.#committed.sent(sent);
    this.#floors.passed(sent);
    this.#count.published(sent.length);
    for (const { row, reason } of refused) {
      await setAside(database, row, reason);
      onSetAside?.(row.topic, row.key, reason);
    }
    if (refused.length > 0) void this.#upkeep.answerNow();
  }
}
