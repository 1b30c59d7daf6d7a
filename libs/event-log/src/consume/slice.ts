import type { AnyEvent, EventOf, Topic } from '@communication-center/contracts';
import { type ArgumentsHost, applyDecorators, Catch, type RpcExceptionFilter, UseFilters } from '@nestjs/common';
import { EventPattern } from '@nestjs/microservices';
import { type Observable, throwError } from 'rxjs';
import type { Pace } from './pace.js';
import type { ProjectionBatch, ProjectionSlice } from './projection.js';

/** What a reaction is made of. */
interface ReactionSlice<T extends string = string> {
  topics: readonly T[];
  /** `steady` where nobody waits for it: at once unless told. */
  pace?: Pace;
  /** The types of events that there is something to do for; others are passed over by a header. All of them unless told. */
  types?: readonly string[];
}

/** What a marked method consumes. */
export type Slice = ({ kind: 'projection' } & ProjectionSlice) | ({ kind: 'reaction' } & ReactionSlice);

export interface AnyReactionBatch {
  topic: string;
  events: readonly AnyEvent[];
}

/** Events of one of some topics: which one says what they are. */
export type ReactionBatch<T extends Topic> = { [One in T]: { topic: One; events: readonly EventOf<One>[] } }[T];

/** Marks methods that take batches of this kind, and no others. */
type Marks<Batch> = (target: object, name: string | symbol, method: TypedPropertyDescriptor<(batch: Batch) => Promise<void>>) => void;

/** Keeps the error as it was thrown; Nest would turn it into a plain object and hide what kind it is. */
@Catch()
class OriginalErrorFilter implements RpcExceptionFilter {
  catch(error: unknown, _host: ArgumentsHost): Observable<never> {
    return throwError(() => error);
  }
}

/**
 * Marks a method that folds events into tables: it gets a `ProjectionBatch` and may be run again from the
 * beginning of the log by a rebuild.
 * @param name the projection and, behind the service's name, its consumer group.
 */
export function ProjectEvents<const T extends Topic>(name: string, slice: ProjectionSlice<T>): Marks<ProjectionBatch<T>> {
  return applyDecorators(EventPattern(name, undefined, { kind: 'projection', ...slice }), UseFilters(new OriginalErrorFilter()));
}

/**
 * Marks a method that acts on the world because of events: it gets a {@link ReactionBatch} and is never replayed, so it
 * must leave a unique row for what it did and look at the event's deadline before it does it.
 */
export function ReactToEvents<const T extends Topic>(name: string, slice: ReactionSlice<T>): Marks<ReactionBatch<T>> {
  return applyDecorators(EventPattern(name, undefined, { kind: 'reaction', ...slice }), UseFilters(new OriginalErrorFilter()));
}
