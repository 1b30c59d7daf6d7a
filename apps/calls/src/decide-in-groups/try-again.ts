import type { Sql } from '@communication-center/event-log';
import { LinesMissing, makeLines } from './hold.js';

/** Between reading who is concerned and locking them, it became somebody else: look again. */
export class ConcernedChanged extends Error {}

/** Serialization, deadlock, and a unique violation: the same was done meanwhile. */
const retryable = new Set(['40001', '40P01', '23505']);

/**
 * Tries a transaction again when the database or a changed call asks for it, or users have no line yet.
 * @throws what the fifth try throws.
 */
export async function tryAgain<T>(database: Sql, work: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await work();
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : '';
      if (tries >= 5 || !(error instanceof ConcernedChanged || error instanceof LinesMissing || retryable.has(code))) throw error;
      if (error instanceof LinesMissing) await makeLines(database, error);
      else await new Promise((resolve) => setTimeout(resolve, 5 * tries * (0.5 + Math.random())));
    }
  }
}
