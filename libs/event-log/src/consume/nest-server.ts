import type { AnyEvent } from '@communication-center/contracts';
import { type ArgumentsHost, applyDecorators, Catch, type RpcExceptionFilter, UseFilters } from '@nestjs/common';
import { type CustomTransportStrategy, EventPattern, type MessageHandler, Server } from '@nestjs/microservices';
import { lastValueFrom, type Observable, throwError } from 'rxjs';
import type { Database } from '../database.js';
import type { EventLog } from '../log/event-log.js';
import { beginAtEnd } from './begin-at-end.js';
import { DeadLetters, type ParkedKey } from './dead-letters.js';
import { type ConsumerState, type EventBatch, EventConsumer } from './event-consumer.js';
import { Projection, type ProjectionBatch } from './projection.js';

interface SliceExtras {
  kind: 'projection' | 'reaction';
  topics: string[];
  tables: string[];
}

/** Keeps the error as it was thrown; Nest would turn it into a plain object and hide what kind it is. */
@Catch()
class OriginalErrorFilter implements RpcExceptionFilter {
  catch(error: unknown, _host: ArgumentsHost): Observable<never> {
    return throwError(() => error);
  }
}

/**
 * Marks a method that folds events into tables: it gets a {@link ProjectionBatch} and may be run again from the
 * beginning of the log by a rebuild.
 * @param name the projection and, behind the service's name, its consumer group.
 */
export function ProjectEvents(name: string, slice: { topics: string[]; tables: string[] }): MethodDecorator {
  return applyDecorators(EventPattern(name, undefined, { kind: 'projection', ...slice }), UseFilters(new OriginalErrorFilter()));
}

/**
 * Marks a method that acts on the world because of events: it gets a {@link ReactionBatch} and is never replayed, so it
 * must leave a unique row for what it did and look at the event's deadline before it does it.
 */
export function ReactToEvents(name: string, slice: { topics: string[] }): MethodDecorator {
  return applyDecorators(EventPattern(name, undefined, { kind: 'reaction', tables: [], ...slice }), UseFilters(new OriginalErrorFilter()));
}

export interface ReactionBatch {
  events: readonly AnyEvent[];
}

export interface EventLogServerOptions {
  service: string;
  log: EventLog;
  database: Database;
  onError: (error: unknown, doing: string) => void;
  sessionTimeoutMs?: number;
}

/** The Nest transport that feeds methods marked with {@link ProjectEvents} and {@link ReactToEvents}. */
export class EventLogServer extends Server implements CustomTransportStrategy {
  readonly #options: EventLogServerOptions;
  readonly #deadLetters: DeadLetters;
  readonly #consumers = new Map<string, EventConsumer>();
  readonly #projections = new Map<string, Projection>();
  readonly #others = new Map<string, () => ConsumerState>();

  constructor(options: EventLogServerOptions) {
    super();
    this.#options = options;
    this.#deadLetters = new DeadLetters(options.log, options.database);
  }

  listen(callback: (error?: unknown) => void): void {
    Promise.all([...this.messageHandlers].map(([name, handler]) => this.#startSlice(name, handler)))
      .then(() => callback())
      .catch(callback);
  }

  /** Drains: batches in hand are finished and their offsets committed. */
  async close(): Promise<void> {
    await Promise.all([...this.#consumers.values()].map((consumer) => consumer.stop()));
    await this.#deadLetters.stop();
  }

  override on(): void {}

  override unwrap<T>(): T {
    throw new Error('The log has no native server to unwrap');
  }

  /** Counts something else that consumes among the consumers, so that health knows of it. */
  include(group: string, state: () => ConsumerState): void {
    this.#others.set(group, state);
  }

  /** @returns each consumer of this process and how it is. */
  states(): { group: string; state: ConsumerState }[] {
    const others = [...this.#others].map(([group, state]) => ({ group, state: state() }));
    return [...[...this.#consumers.values()].map(({ group, state }) => ({ group, state })), ...others];
  }

  projections(): string[] {
    return [...this.#projections.keys()];
  }

  /** Rebuilds a projection by replaying the log. @returns how many events were folded; undefined for an unknown name. */
  async rebuild(name: string): Promise<number | undefined> {
    return this.#projections.get(name)?.rebuild();
  }

  async parkedKeys(): Promise<ParkedKey[]> {
    return this.#deadLetters.list();
  }

  /** Handles a parked key's events anew. @returns how many; undefined for a group that is not of this service. */
  async redrive(group: string, topic: string, key: string): Promise<number | undefined> {
    return this.#consumers.get(group)?.redrive(topic, key);
  }

  async #startSlice(name: string, handler: MessageHandler): Promise<void> {
    const { service, log, database, onError, sessionTimeoutMs } = this.#options;
    const slice = handler.extras as SliceExtras | undefined;
    if (!slice) throw new Error(`The handler of ${name} is marked neither @ProjectEvents nor @ReactToEvents`);
    const call = async (batch: ProjectionBatch | ReactionBatch): Promise<void> => {
      await lastValueFrom(this.transformToObservable(await handler(batch)), { defaultValue: undefined });
    };
    let handle = async ({ events }: EventBatch): Promise<void> => call({ events });
    if (slice.kind === 'projection') {
      const projection = new Projection(log, database, { name, topics: slice.topics, tables: slice.tables, apply: call });
      this.#projections.set(name, projection);
      handle = ({ events }) => projection.applyLive(events);
    }
    const group = `${service}.${name}`;
    const consumer = new EventConsumer({
      log,
      group,
      topics: slice.topics,
      deadLetters: this.#deadLetters,
      handle,
      onError,
      firstFrom: slice.kind === 'projection' ? 'beginning' : 'end',
      ...(sessionTimeoutMs && { sessionTimeoutMs }),
    });
    this.#consumers.set(group, consumer);
    if (slice.kind === 'reaction') {
      // Where this fails, as while the brokers are away, the consumer finds its beginning by itself.
      await beginAtEnd(log, database, group, slice.topics).catch((error: unknown) => onError(error, `finding where ${group} begins`));
    }
    await consumer.start();
  }
}
