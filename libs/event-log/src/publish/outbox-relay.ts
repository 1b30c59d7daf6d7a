import { type AnyEvent, topics as productTopics } from '@communication-center/contracts';
import type { Database } from '../database.js';
import type { EventLog } from '../log/event-log.js';
import { LaneFloors } from './lane-floors.js';
import { LaneOwnership, shardOf } from './lane-ownership.js';
import { LeaderProducers, type Outcome, type SendBatch, sendRows } from './lane-sender.js';
import { findLanes, type Lane, laneName, moveToSent, type OutboxRow, readLanes, setAside } from './lanes.js';
import { OutboxUpkeep } from './outbox-upkeep.js';
import { ReconcileLoop } from './reconcile-loop.js';
import type { Reconciler } from './reconciler.js';
import { RelayCount, type RelayFigures } from './relay-figures.js';
import { TopicMap } from './topic-map.js';
import { UnsendableRows } from './unsendable.js';

/** What happens to a service's events on their way that somebody should hear of. */
export interface RelayAlarms {
  /** A broker says that a topic has another number of partitions than it had. */
  onCountChanged?: (topic: string) => void;
  /** A row that no broker takes was set aside. */
  onSetAside?: (topic: string, key: string, reason: string) => void;
}

export interface RelayOptions extends RelayAlarms {
  log: EventLog;
  database: Database;
  /** Called with each failure; the relay itself tries again. */
  onError: (error: unknown, doing: string) => void;
  /** Topics whose partitions are counted before anything is written to them: those of the product unless told. */
  topics?: readonly string[];
  /** Topics whose events the service keeps in a table of its own: others stay beside the outbox for an hour. */
  keptElsewhere?: readonly string[];
  /** Compares what was published with what the log holds; the owner of the first shard does it. */
  reconciler?: Reconciler;
  reconcileEveryMs?: number;
  pollMs?: number;
  rowsPerRead?: number;
  bytesPerLane?: number;
  /** How long published rows are kept for a look and for repair, in milliseconds. */
  keepMs?: number;
  /** Called between publishing rows and marking them, for tests that stop the process there. */
  beforeMark?: () => Promise<void>;
  /** Called between reading rows and sending them, for tests that freeze the process there. */
  beforeSend?: () => Promise<void>;
  /** Stands between the relay and a producer, for tests of what brokers may answer. */
  sendThrough?: (send: SendBatch) => SendBatch;
}

type Settled = Required<Omit<RelayOptions, keyof RelayAlarms | 'reconciler' | 'beforeMark' | 'beforeSend' | 'sendThrough'>> & RelayOptions;

/** Longer than closing 20,000 sessions takes, shorter than anybody waits for what it tells. */
const longestHoldMs = 1500;

/**
 * Moves committed outbox rows into Kafka, in order within a key, at least once.
 *
 * A lane is a partition of a topic. Its owner among the replicas (see {@link LaneOwnership}) reads what has committed and sends
 * it to the partition's leader: one request at a time for each leader, so that one that is away stops its own partitions alone.
 * Rows leave the outbox one by one, each when its partition has answered with an offset.
 */
export class OutboxRelay {
  readonly #options: Settled;
  readonly #channel: string;
  readonly #ownership: LaneOwnership;
  readonly #map: TopicMap;
  readonly #producers: LeaderProducers;
  readonly #floors = new LaneFloors();
  readonly #unsendable: UnsendableRows;
  readonly #upkeep: OutboxUpkeep;
  readonly #reconciling: ReconcileLoop | undefined;
  /** Sends in flight, by leader, with the names of their lanes. */
  readonly #inFlight = new Map<number, { lanes: Set<string>; shards: Set<number>; done: Promise<void> }>();
  readonly #topics = new Set<string>();
  /** Partitions that were written to here since they were last read. */
  #woken = new Set<number>();
  #readAll = true;
  /** Whether a look at all lanes left some out whose leader was busy. */
  #passedOver = false;
  #readAllAt = Number.NEGATIVE_INFINITY;
  #stopping = false;
  readonly #count = new RelayCount();
  #heldUntil = Number.NEGATIVE_INFINITY;
  #isSignalled = false;
  #endPause: (() => void) | undefined;
  #notifyTimer: NodeJS.Timeout | undefined;
  #publishing: Promise<void> | undefined;

  constructor(options: RelayOptions) {
    this.#options = {
      topics: Object.keys(productTopics),
      keptElsewhere: Object.keys(productTopics).filter(
        (topic) => productTopics[topic as keyof typeof productTopics].retention === 'lasting',
      ),
      reconcileEveryMs: 15_000,
      pollMs: 1000,
      rowsPerRead: 2000,
      bytesPerLane: 700_000,
      keepMs: 3_600_000,
      ...options,
    };
    const { database, log, onError } = this.#options;
    this.#channel = `outbox_${database.schema}`;
    this.#map = new TopicMap({ log, onError });
    this.#producers = new LeaderProducers(log);
    this.#unsendable = new UnsendableRows(database, onError);
    this.#ownership = new LaneOwnership({
      database,
      channel: this.#channel,
      onError,
      isBusy: (shard) => [...this.#inFlight.values()].some(({ shards }) => shards.has(shard)),
      onNews: () => this.#wakeAll(),
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
        onRepaired: (partitions) => this.committed(partitions),
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
    this.#ownership.start();
    this.#publishing = this.#publishLoop();
    this.#reconciling?.start();
  }

  /** Publishes what has committed, as far as that takes no more than two seconds, and gives the shards up. */
  async stop(): Promise<void> {
    clearTimeout(this.#notifyTimer);
    const enough = Date.now() + 2000;
    while (this.#publishing && Date.now() < enough && (await this.#hasMore())) await new Promise((resolve) => setTimeout(resolve, 20));
    this.#stopping = true;
    this.#signal();
    await this.#publishing;
    await Promise.all([this.#upkeep.stop(), this.#reconciling?.stop(), ...[...this.#inFlight.values()].map(({ done }) => done)]);
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

  /** Says that rows of these partitions have committed: wakes their owner, here or, by one coalesced NOTIFY, elsewhere. */
  committed(partitions: readonly number[]): void {
    const own = partitions.filter((partition) => partition >= 0 && this.#ownership.owns(partition));
    for (const partition of own) this.#woken.add(partition);
    if (own.length > 0) this.#signal();
    if (own.length === partitions.length || this.#notifyTimer || this.#stopping) return;
    this.#notifyTimer = setTimeout(() => {
      this.#notifyTimer = undefined;
      this.#options.database.query('SELECT pg_notify($1, $2)', [this.#channel, '']).catch((error: unknown) => {
        this.#options.onError(error, 'waking the owner of a partition');
      });
    }, 2);
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
    const lanes = await findLanes(this.#options.database).catch(() => []);
    return lanes.some((lane) => this.#ownership.owns(lane.partition) && this.#map.leaderOf(lane) !== undefined);
  }

  async #publishLoop(): Promise<void> {
    while (!this.#stopping) {
      try {
        await this.#publish();
        const held = this.#heldUntil - performance.now();
        await this.#pause(held > 0 ? held : this.#options.pollMs);
      } catch (error) {
        this.#options.onError(error, 'reading the outbox');
        await this.#pause(300 + Math.random() * 400);
      }
    }
  }

  /** Reads the lanes that may have something, as far as their leaders are free, and begins to send what is there. */
  async #publish(): Promise<void> {
    if (!this.#ownership.isProven || this.#ownership.owned.size === 0 || performance.now() < this.#heldUntil) return;
    const lanes = (await this.#lanesToRead()).filter((lane) => this.#isFree(lane));
    if (lanes.length === 0) return;
    for (const { partition } of lanes) this.#woken.delete(partition);
    const { database, rowsPerRead, bytesPerLane, beforeSend } = this.#options;
    const rowsPerLane = Math.min(500, Math.max(20, Math.floor(rowsPerRead / lanes.length)));
    const { rows, mayHaveMore } = await readLanes(database, lanes, { rowsPerLane, bytesPerLane, floors: this.#floors.of(lanes) });
    await beforeSend?.();
    for (const [leader, ofLeader] of Map.groupBy(rows, (row) => this.#map.leaderOf(row))) {
      if (leader === undefined || ofLeader.some((row) => !this.#isFree(row))) this.#readAll = true;
      else this.#begin(leader, ofLeader, mayHaveMore);
    }
  }

  /** Those written to here since the last look, or, each `pollMs` and when somebody else says so, all that hold rows. */
  async #lanesToRead(): Promise<Lane[]> {
    if (!this.#readAll && performance.now() - this.#readAllAt < this.#options.pollMs)
      return [...this.#topics].flatMap((topic) => [...this.#woken].map((partition) => ({ topic, partition })));
    this.#readAll = false;
    this.#readAllAt = performance.now();
    const lanes = await findLanes(this.#options.database);
    if (lanes.some(({ partition }) => partition < 0)) this.#upkeep.placeSoon();
    for (const { topic } of lanes) this.#topics.add(topic);
    const own = lanes.filter(({ partition }) => partition >= 0 && this.#ownership.owns(partition));
    this.#passedOver = own.some((lane) => !this.#isFree(lane));
    return own;
  }

  #isFree(lane: Lane): boolean {
    if (!this.#ownership.owns(lane.partition)) return false;
    const leader = this.#map.leaderOf(lane);
    if (leader === undefined || this.#inFlight.has(leader)) return false;
    // It may be in flight to the broker that led it before: nothing overtakes that.
    return [...this.#inFlight.values()].every(({ lanes }) => !lanes.has(laneName(lane)));
  }

  #begin(leader: number, rows: OutboxRow[], mayHaveMore: boolean): void {
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
        if (mayHaveMore || this.#passedOver || !isWell) this.#wakeAll();
        else if (this.#woken.size > 0) this.#signal();
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
    // The locks may have gone during the read, and this process may have been frozen since: the next owner sends these.
    if (!this.#ownership.isProven) return true;
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
    const { database, keptElsewhere, onSetAside } = this.#options;
    if (sent.length > 0) await moveToSent(database, sent, (topic) => !keptElsewhere.includes(topic));
    this.#floors.passed(sent);
    this.#count.published(sent.length);
    for (const { row, reason } of refused) {
      await setAside(database, row, reason);
      onSetAside?.(row.topic, row.key, reason);
    }
    if (refused.length > 0) void this.#unsendable.answer();
  }
}
