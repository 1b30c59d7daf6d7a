import { type EventReader, NewerEventError } from '@communication-center/contracts';
import type { KafkaMessage } from 'kafkajs';
import type { Sql } from '../database.js';
import { faultOf, InfrastructureError } from '../failures.js';
import type { EventLog } from '../log/event-log.js';
import { LogReader } from '../log/log-reader.js';
import { reasonOf } from './dead-letters.js';
import type { Gaps } from './gaps.js';
import { keyOf, storable } from './parked-message.js';
import type { Projection } from './projection.js';
import { readMessages, sequenceIn } from './read-messages.js';
import { RebuildRow, type RebuildStatus } from './rebuild-row.js';
import { SeenKeys } from './seen-keys.js';
import { takePlace } from './shadow-tables.js';
import { shadowOf } from './tables.js';

export interface RebuildOptions {
  log: EventLog;
  projection: Projection;
  /** Where it is asked, every few seconds, whether a rebuild wants leading; the projection's own database when left out. */
  looksOn?: Sql;
  reader: EventReader;
  /** Makes what fills gaps, by the sequences that the shadow holds. */
  gapsBy?: (sequencesOf: (keys: string[]) => Promise<Map<string, number>>) => Gaps | undefined;
  onError: (error: unknown, doing: string) => void;
  /** How many messages are folded in one transaction. */
  stepSize?: number;
}

const catchUpMs = 10_000;
const lookEveryMs = 5000;
const pruneEverySteps = 50;
/** A lag that is read within the moment for which live batches are kept out. */
const closeEnough = 1000n;

/**
 * Folds the whole log into shadows of a projection's tables, in steps that are written down, and puts them in the tables'
 * place once they have caught up. Meanwhile the old tables serve, and live batches go on. Whichever replica is alive leads:
 * one that dies is followed within half a minute, from its last step.
 *
 * A key that cannot be folded is left out and named; everything else is rebuilt.
 */
export class Rebuild {
  readonly #options: RebuildOptions;
  readonly #row: RebuildRow;
  readonly #gaps: Gaps | undefined;
  #looking: NodeJS.Timeout | undefined;
  #leading: Promise<void> | undefined;
  #reader: LogReader | undefined;
  #stopping = false;
  #leftOut = new Set<string>();
  #seen = new SeenKeys();
  #steps = 0;
  #swapping: { tx: Sql; isOver: boolean } | undefined;

  constructor(options: RebuildOptions) {
    this.#options = options;
    this.#row = new RebuildRow(options.projection, options.looksOn);
    this.#gaps = options.gapsBy?.((keys) => this.#inShadow((tx) => options.projection.sequencesOf(tx, keys)));
  }

  /** Takes up a rebuild that nobody leads, now and whenever one is left. */
  start(): void {
    this.#looking = setInterval(() => this.#look(), lookEveryMs);
    this.#looking.unref();
    this.#look();
  }

  /** Begins a rebuild, unless one is under way. */
  async begin(): Promise<RebuildStatus> {
    // Whoever looked for one a moment ago found none, and would be in the way.
    if (await this.#row.begin()) await this.#leading;
    this.#look();
    return (await this.status()) as RebuildStatus;
  }

  async status(): Promise<RebuildStatus | undefined> {
    return this.#row.status();
  }

  /** Finishes the step in hand; another replica goes on from it. */
  async stop(): Promise<void> {
    this.#stopping = true;
    clearInterval(this.#looking);
    await this.#reader?.stop();
    await this.#leading;
  }

  #look(): void {
    if (this.#stopping) return;
    this.#leading ??= this.#lead()
      .catch((error: unknown) => this.#failed(error))
      .finally(() => {
        this.#leading = undefined;
      });
  }

  async #failed(error: unknown): Promise<void> {
    if (this.#stopping) return;
    this.#options.onError(error, `rebuilding ${this.#options.projection.options.name}`);
    // What is not of the infrastructure would fail again: the tables stay as they are, and the reason can be read.
    if (faultOf(error) !== 'infrastructure') await this.#row.fail(storable(reasonOf(error))).catch(() => undefined);
  }

  async #lead(): Promise<void> {
    if (!(await this.#row.lead())) return;
    const { log, projection, stepSize } = this.#options;
    const reader = new LogReader({
      log,
      topics: projection.options.topics,
      from: await this.#row.positions(),
      onMessages: (topic, partition, messages, next) => this.#step(topic, partition, messages, next),
      ...(stepSize && { maxBatch: stepSize }),
    });
    this.#reader = reader;
    this.#leftOut = await this.#row.leftOut();
    this.#seen = new SeenKeys();
    this.#swapping = undefined;
    const renewing = setInterval(() => void this.#row.lead().catch(() => undefined), 10_000);
    try {
      await reader.start();
      const first = await reader.ends();
      await this.#row.expect(reader.distanceTo(first));
      await this.#catchUp(reader);
      await this.#swap(reader);
    } finally {
      clearInterval(renewing);
      await reader.stop();
      await this.#row.release().catch(() => undefined);
    }
  }

  async #catchUp(reader: LogReader): Promise<void> {
    for (;;) {
      const ends = await reader.ends();
      if ((await reader.reaches(ends, catchUpMs)) && reader.distanceTo(await reader.ends()) < closeEnough) return;
    }
  }

  /**
   * Live batches wait for a moment: the shadow reads to the end, and takes the tables' place. All of it on one connection, of
   * which there may be no more.
   */
  async #swap(reader: LogReader): Promise<void> {
    const { projection } = this.#options;
    const { schema } = projection.database;
    const isDone = await projection.database.transaction(async (tx) => {
      await projection.keepOutLive(tx);
      const swapping = { tx, isOver: false };
      try {
        await projection.seeShadow(tx);
        this.#swapping = swapping;
        if (!(await reader.reaches(await reader.ends(), catchUpMs))) return false;
      } finally {
        swapping.isOver = true;
        await reader.settled();
      }
      await projection.seeService(tx);
      await this.#row.end(tx);
      for (const statement of projection.options.beforeSwap?.(shadowOf(schema)) ?? []) await tx.query(statement);
      for (const table of projection.options.tables) await takePlace(tx, schema, table);
      return true;
    });
    if (!isDone) throw new InfrastructureError(`the rebuild of ${projection.options.name} does not catch up: it is tried again`);
  }

  /** Runs a step in a transaction of its own; while the tables change places, in that one. */
  async #inShadow<T>(work: (tx: Sql) => Promise<T>): Promise<T> {
    const swapping = this.#swapping;
    if (!swapping) return this.#options.projection.inShadow(work);
    if (swapping.isOver) throw new InfrastructureError('the rebuilt tables are being put in place');
    // What fails here spoils the transaction of the swap: all of it is done again, and the culprit is met before it.
    return work(swapping.tx).catch((cause: unknown) => {
      throw new InfrastructureError('the last messages could not be folded', { cause });
    });
  }

  async #step(topic: string, partition: number, messages: KafkaMessage[], next: bigint): Promise<void> {
    const step = { topic, partition, next, folded: messages.length };
    const wanted = () => messages.filter((message) => !this.#leftOut.has(nameOf(topic, message)));
    try {
      await this.#fold(topic, wanted(), (tx) => this.#row.note(tx, step));
    } catch (error) {
      if (isToWaitFor(error)) throw error;
      for (const message of wanted()) if (!this.#leftOut.has(nameOf(topic, message))) await this.#foldAlone(topic, message);
      await this.#fold(topic, [], (tx) => this.#row.note(tx, step));
    }
    this.#steps += 1;
    if (this.#steps % pruneEverySteps === 0) await this.#prune();
  }

  async #foldAlone(topic: string, message: KafkaMessage): Promise<void> {
    for (let tries = 1; ; tries += 1) {
      try {
        return await this.#fold(topic, [message]);
      } catch (error) {
        if (isToWaitFor(error)) throw error;
        if (tries < 3) {
          await new Promise((resolve) => setTimeout(resolve, 100 * tries));
          continue;
        }
        const { projection, onError } = this.#options;
        onError(error, `folding ${topic} key ${keyOf(message)} into ${projection.options.name} again; the key is left out`);
        await this.#row.leaveOut(topic, keyOf(message), storable(reasonOf(error).slice(0, 2000)));
        this.#leftOut.add(nameOf(topic, message));
        return;
      }
    }
  }

  async #fold(topic: string, messages: readonly KafkaMessage[], also?: (tx: Sql) => Promise<void>): Promise<void> {
    const { projection, reader } = this.#options;
    const { events: told, tombstones } = readMessages(topic, messages);
    const whole = this.#gaps ? await this.#gaps.fill(topic, told, this.#seen) : told;
    const events = whole.map((event) => reader.read(topic, event));
    await this.#inShadow(async (tx) => {
      await also?.(tx);
      if (events.length > 0 || tombstones.length > 0) await projection.applyAgain({ topic, events, tombstones }, tx);
    });
    for (const message of messages) this.#seen.note(topic, keyOf(message), sequenceIn(message));
  }

  async #prune(): Promise<void> {
    await this.#inShadow(async (tx) => {
      for (const statement of this.#options.projection.options.prune ?? []) await tx.query(statement);
    });
  }
}

function isToWaitFor(error: unknown): boolean {
  return !(error instanceof NewerEventError) && faultOf(error) === 'infrastructure';
}

const nameOf = (topic: string, message: KafkaMessage) => `${topic} ${keyOf(message)}`;
