import { type EventReader, thisRelease } from '@communication-center/contracts';
import { type CustomTransportStrategy, type MessageHandler, Server } from '@nestjs/microservices';
import { lastValueFrom } from 'rxjs';
import type { Database } from '../database.js';
import type { EventLog } from '../log/event-log.js';
import { beginAtEnd } from './begin-at-end.js';
import { DeadLetters, type ParkedKey, type ParkedKind } from './dead-letters.js';
import { EventConsumer } from './event-consumer.js';
import { type Gap, Gaps, type Repair } from './gaps.js';
import { type Heeds, type HeedsTypes, ofEveryApp } from './heeds.js';
import { ConsumerLags, type Lag } from './lags.js';
import { NewerKeys } from './newer-keys.js';
import { type AnyProjectionBatch, Projection } from './projection.js';
import { Rebuild } from './rebuild.js';
import type { RebuildStatus } from './rebuild-row.js';
import type { Rest } from './rest.js';
import type { AnyReactionBatch, Slice } from './slice.js';
import type { ConsumerState } from './standing.js';
import type { Tail } from './tail.js';
import type { TraceWork } from './trace-work.js';

export interface EventLogServerOptions {
  service: string;
  log: EventLog;
  database: Database;
  /** Where rebuilds fold, so that they take no connection from what is live; `database` when left out. */
  rebuildOn?: Database;
  /** Where it is asked now and then whether a rebuild wants leading; where it folds when left out. */
  looksOn?: Database;
  /** Runs a handler's work, so that the service can tell it from a request's. */
  around?: <T>(work: () => Promise<T>) => Promise<T>;
  /** Runs work on events as a part of their traces. */
  tracing?: TraceWork;
  onError: (error: unknown, doing: string) => void;
  sessionTimeoutMs?: number;
  /** Whose gaps are repaired, and how; nobody's when left out. */
  gaps?: { topic: string; repair: Repair };
  onGap?: (gap: Gap, group: string) => void;
  onParked?: (kind: ParkedKind, group: string) => void;
  /** After so long an event that alone fails, while others succeed, is parked though its fault is not clear. */
  aloneFailsForMs?: number;
  /** How events are read: as this release does unless told. */
  reader?: EventReader;
}

/** How one of a process's consumers is. */
export interface ConsumerHealth {
  group: string;
  state: ConsumerState;
  hasRun: boolean;
  forMs: number;
}

/** The Nest transport that feeds methods marked with `@ProjectEvents` and `@ReactToEvents`. */
export class EventLogServer extends Server implements CustomTransportStrategy {
  readonly #options: EventLogServerOptions;
  readonly #deadLetters: DeadLetters;
  readonly #consumers = new Map<string, EventConsumer>();
  readonly #rebuilds = new Map<string, Rebuild>();
  readonly #newerKeys: NewerKeys;
  readonly #tails = new Map<string, Tail>();
  readonly #rests = new Map<string, Rest>();
  readonly #heeds = new Map<string, Heeds>();
  readonly #heedsTypes = new Map<string, HeedsTypes>();
  readonly #lags: ConsumerLags;
  #closed: Promise<void> | undefined;

  constructor(options: EventLogServerOptions) {
    super();
    this.#options = options;
    this.#deadLetters = new DeadLetters(options.database);
    this.#lags = new ConsumerLags(options.log, () => [
      ...[...this.#consumers.values()].map(({ consuming }) => consuming),
      ...[...this.#tails].map(([group, { following }]) => ({
        group,
        topics: [following.topic],
        positions: following.positions,
        fromBeginning: false,
      })),
    ]);
    this.#newerKeys = new NewerKeys({
      deadLetters: this.#deadLetters,
      consumers: () => this.#consumers.values(),
      reader: options.reader ?? thisRelease,
      onError: options.onError,
    });
  }

  listen(callback: (error?: unknown) => void): void {
    Promise.all([...this.messageHandlers].map(([name, handler]) => this.#startSlice(name, handler)))
      .then(() => {
        for (const rebuild of this.#rebuilds.values()) rebuild.start();
        this.#newerKeys.start();
        callback();
      })
      .catch(callback);
  }

  /** Drains, once: batches in hand are finished and their offsets committed. */
  async close(): Promise<void> {
    this.#closed ??= this.#drain();
    await this.#closed;
  }

  async #drain(): Promise<void> {
    const working = [...this.#consumers.values(), ...this.#rebuilds.values(), this.#newerKeys, this.#lags];
    await Promise.all(working.map((one) => one.stop()));
  }

  override on(): void {}

  override unwrap<T>(): T {
    throw new Error('The log has no native server to unwrap');
  }

  /** Counts what follows a topic by itself among the consumers, so that health and figures know of it. */
  include(group: string, tail: Tail): void {
    this.#tails.set(group, tail);
  }

  /** Lets a marked method have later what nobody waits for. To be said before it listens. @param name that of its mark. */
  letRest(name: string, rest: Rest): void {
    this.#rests.set(name, rest);
  }

  /** Lets a marked reaction pass over the events of apps that it has nothing to do for. To be said before it listens. @param name that of its mark. */
  heedOnly(name: string, heeds: Heeds): void {
    this.#heeds.set(name, heeds);
  }

  /** As {@link heedOnly}, by the types of events that there is something to do for in each app. */
  heedTypes(name: string, heeds: HeedsTypes): void {
    this.#heedsTypes.set(name, heeds);
  }

  /** @returns each consumer of this process and how it is. */
  states(): { group: string; state: ConsumerState }[] {
    return this.health().map(({ group, state }) => ({ group, state }));
  }

  /** As {@link states}, and since when; whether it ever consumed. */
  health(): ConsumerHealth[] {
    const consumers = [...this.#consumers.values()].map(({ group, state, standing: { hasRun, forMs } }) => ({
      group,
      state,
      hasRun,
      forMs,
    }));
    const tails = [...this.#tails].map(
      ([
        group,
        {
          standing: { state, hasRun, forMs },
        },
      ]) => ({ group, state, hasRun, forMs }),
    );
    return [...consumers, ...tails];
  }

  /** @returns how far the groups of this process's consumers are behind; nothing while the brokers are away. */
  async lags(): Promise<readonly Lag[]> {
    return this.#lags.read();
  }

  /** @returns how many keys each consumer has parked, up to some thousands. */
  async parkedCounts(): Promise<{ group: string; keys: number }[]> {
    return this.#deadLetters.counts();
  }

  projections(): string[] {
    return [...this.#rebuilds.keys()];
  }

  /** @returns each projection and how its last rebuild went, or goes. */
  async rebuilds(): Promise<{ name: string; rebuild: RebuildStatus | null }[]> {
    return Promise.all([...this.#rebuilds].map(async ([name, rebuild]) => ({ name, rebuild: (await rebuild.status()) ?? null })));
  }

  /** Begins to rebuild a projection, unless that is under way. @returns undefined for an unknown name. */
  async rebuild(name: string): Promise<RebuildStatus | undefined> {
    return this.#rebuilds.get(name)?.begin();
  }

  async parkedKeys(): Promise<{ parked: ParkedKey[]; total: number }> {
    return this.#deadLetters.list();
  }

  /** @returns of which app a parked key's events are, as far as they say; undefined for a key that is not parked. */
  async ownerOfParked(group: string, topic: string, key: string): Promise<{ appId: string | null } | undefined> {
    return this.#deadLetters.ownerOf(group, topic, key);
  }

  /** Handles a parked key's events anew. @returns how many; undefined for a group that is not of this service. */
  async redrive(group: string, topic: string, key: string): Promise<number | undefined> {
    return this.#consumers.get(group)?.redrive(topic, key);
  }

  /** Gives up a parked key's events. @returns how many; undefined for a key that is not parked, or a group that is not here. */
  async discard(group: string, topic: string, key: string): Promise<number | undefined> {
    return this.#consumers.has(group) ? this.#deadLetters.discard(group, topic, key) : undefined;
  }

  async #startSlice(name: string, handler: MessageHandler): Promise<void> {
    const {
      service,
      log,
      database,
      rebuildOn = database,
      tracing,
      onError,
      onParked,
      sessionTimeoutMs,
      aloneFailsForMs,
      reader,
    } = this.#options;
    const slice = handler.extras as Slice | undefined;
    if (!slice) throw new Error(`The handler of ${name} is marked neither @ProjectEvents nor @ReactToEvents`);
    const group = `${service}.${name}`;
    const call = this.#callOf(handler);
    const rest = this.#rests.get(name);
    const projection = slice.kind === 'projection' ? new Projection(database, { name, ...slice, apply: call }) : undefined;
    if (projection) this.#addRebuild(group, new Projection(rebuildOn, projection.options));
    const consumer = new EventConsumer({
      log,
      group,
      topics: [...slice.topics],
      ...(slice.pace && { pace: slice.pace }),
      ...(rest && { rest }),
      heeds: this.#heeds.get(name),
      heedsTypes: this.#heedsTypes.get(name) ?? (slice.kind === 'reaction' && slice.types ? ofEveryApp(slice.types) : undefined),
      deadLetters: this.#deadLetters,
      handle: projection
        ? (batch) => projection.applyLive(batch)
        : async ({ topic, events }) => void (events.length > 0 && (await call({ topic, events }))),
      tracing,
      onError,
      onParked: (kind) => onParked?.(kind, group),
      gaps: this.#gapsOf(group, projection, projection && ((keys) => projection.sequencesOf(database, keys))),
      aloneFailsForMs,
      reader,
      firstFrom: slice.kind === 'projection' ? 'beginning' : 'end',
      ...(sessionTimeoutMs && { sessionTimeoutMs }),
    });
    this.#consumers.set(group, consumer);
    if (slice.kind === 'reaction') {
      // Where this fails, as while the brokers are away, the consumer finds its beginning by itself.
      await beginAtEnd(log, database, group, [...slice.topics]).catch((error: unknown) => onError(error, `finding where ${group} begins`));
    }
    await consumer.start();
  }

  #callOf(handler: MessageHandler): (batch: AnyProjectionBatch | AnyReactionBatch) => Promise<void> {
    const { around = (work) => work() } = this.#options;
    return (batch) =>
      around(async () => {
        await lastValueFrom(this.transformToObservable(await handler(batch)), { defaultValue: undefined });
      });
  }

  #addRebuild(group: string, projection: Projection): void {
    const { log, onError, reader = thisRelease, looksOn } = this.#options;
    const gapsBy = (sequencesOf: (keys: string[]) => Promise<Map<string, number>>) => this.#gapsOf(group, projection, sequencesOf);
    this.#rebuilds.set(projection.options.name, new Rebuild({ log, projection, reader, gapsBy, onError, ...(looksOn && { looksOn }) }));
  }

  /** @param sequencesOf reads a projection's own tables, or those of its shadow. */
  #gapsOf(group: string, projection?: Projection, sequencesOf?: (keys: string[]) => Promise<Map<string, number>>): Gaps | undefined {
    const { gaps, onGap } = this.#options;
    if (!gaps) return undefined;
    return new Gaps({
      ...gaps,
      ...(sequencesOf && projection?.options.sequences !== undefined && { sequences: sequencesOf }),
      givenUpThrough: (key) => this.#deadLetters.givenUpThrough(group, gaps.topic, key),
      onGap: (gap) => onGap?.(gap, group),
    });
  }
}
