import { isInfrastructureFailure, type Sql } from '@communication-center/event-log';
import { makeLines, type User } from './hold.js';

/** What a transaction needs it could not hold, or it became another's concern: look again. */
export class ConcernedChanged extends Error {}

/** Users who never had a call have no line to lock: make it, then try again. */
export class LinesMissing extends Error {
  constructor(readonly users: readonly User[]) {
    super('Some lines are not there yet');
  }
}

/** Serialization, deadlock, and a unique violation: the same was done meanwhile. */
const retryable = new Set(['40001', '40P01', '23505']);
const mostTries = 5;
/** Nobody waits for a command any longer whose first try took so long to fail. */
const worthAnotherMs = 2000;

/**
 * Tries a transaction again when the database or a changed call asks for it, users have no line yet, or its answer was lost: what
 * it does must be known by its id where that may come twice.
 * @throws what the fifth try throws, or the second whose connection failed.
 */
export async function tryAgain<T>(database: Sql, work: () => Promise<T>): Promise<T> {
  const began = performance.now();
  let lost = 0;
  for (let tries = 1; ; tries += 1) {
    try {
      return await work();
    } catch (error) {
      if (isLostConnection(error)) lost += 1;
      else if (!isWorthAnother(error)) throw error;
      if (tries >= mostTries || lost > 1 || (lost > 0 && performance.now() - began > worthAnotherMs)) throw error;
      if (error instanceof LinesMissing) await makeLines(database, error.users);
      else await new Promise((resolve) => setTimeout(resolve, 5 * tries * (0.5 + Math.random())));
    }
  }
}

/** Whether a failure says nothing of what was asked: the same may succeed alone, or at another time. */
export function isPassing(error: unknown): boolean {
  return isInfrastructureFailure(error) || isWorthAnother(error);
}

function isWorthAnother(error: unknown): boolean {
  return error instanceof ConcernedChanged || error instanceof LinesMissing || retryable.has(sqlState(error));
}

/** Whether the failure is that of a connection: what it was to do may have been done. */
function isLostConnection(error: unknown): boolean {
  return isInfrastructureFailure(error) && (sqlState(error) === '' || /^(08|57P)/.test(sqlState(error)));
}

function sqlState(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && /^[0-9A-Z]{5}$/.test(error.code) ? error.code : '';
}
