import type { AnyEvent } from '@communication-center/contracts';
import { type ArgumentsHost, applyDecorators, Catch, type RpcExceptionFilter, UseFilters } from '@nestjs/common';
import { EventPattern } from '@nestjs/microservices';
import { type Observable, throwError } from 'rxjs';
import type { ProjectionSlice } from './projection.js';

/** What a marked method consumes. */
export type Slice = ({ kind: 'projection' } & ProjectionSlice) | { kind: 'reaction'; topics: string[] };

export interface ReactionBatch {
  events: readonly AnyEvent[];
}

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
export function ProjectEvents(name: string, slice: ProjectionSlice): MethodDecorator {
  return applyDecorators(EventPattern(name, undefined, { kind: 'projection', ...slice }), UseFilters(new OriginalErrorFilter()));
}

/**
 * Marks a method that acts on the world because of events: it gets a {@link ReactionBatch} and is never replayed, so it
 * must leave a unique row for what it did and look at the event's deadline before it does it.
 */
export function ReactToEvents(name: string, slice: { topics: string[] }): MethodDecorator {
  return applyDecorators(EventPattern(name, undefined, { kind: 'reaction', ...slice }), UseFilters(new OriginalErrorFilter()));
}
