import type { CallState } from '@communication-center/contracts';
import { type AskAlone, forOutbox, type OutboxPlace, type WrittenRow } from '@communication-center/event-log';
import { currentTraceparent } from '@communication-center/service';
import { bucketOf } from '../domain/buckets.js';
import { type Known, presenceOf } from '../domain/presence-of.js';
import type { Remembered } from './known-lately.js';
import { type Moved, nameOf } from './look-at.js';
import { entriesOf, isSame } from './say-changes.js';

/** A call that has gone on, as its row. */
export interface CallRow {
  call_id: string;
  app_id: string;
  sequence: number;
  ended: boolean;
  participants: readonly string[];
  call: CallState;
}

/** Somebody whose calls have gone on, and what was known of them before. */
export interface Party {
  person: Moved;
  before: Remembered;
}

/** What came of telling: the outbox's rows, and what is to be remembered of each. */
export interface ToldOfCalls {
  written: WrittenRow[];
  after: Map<string, Remembered>;
}

/** As many calls of one user as a look finds may not be all of them. */
const mostCalls = 50;

/** SQLSTATE of what others have gone on with: the locks have shown it. */
const serializationFailure = '40001';

/**
 * Saves calls that have gone on and says where the people in them are now, all in one statement, from what is remembered of them:
 * it holds where nobody has looked at them since. See `turn-functions.ts`.
 * @param kept changes a bucket keeps at most.
 * @returns undefined where it does not hold: then nothing was done.
 */
export async function tellOfCalls(
  alone: AskAlone,
  calls: readonly CallRow[],
  parties: readonly Party[],
  kept: number,
): Promise<ToldOfCalls | undefined> {
  if (parties.some(({ before }) => before.known.calls.length >= mostCalls)) return undefined;
  const words = parties.map((party) => wordOf(party, calls));
  const entries = words.flatMap(({ entry }) => entry);
  const { columns, written } = forOutbox(entries);
  const [topics, hashes, keys] = columns;
  const ask = alone<OutboxPlace & { at: string }>('SELECT * FROM tell_of_calls($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)', [
    JSON.stringify(calls),
    words.map(({ person }) => person.appId),
    words.map(({ person }) => person.userAlias),
    parties.map(({ before }) => before.turn),
    words.map(({ person }) => bucketOf(person.userAlias)),
    words.map(({ entry, after }) => (entry.length > 0 ? JSON.stringify(after.said.presence) : null)),
    kept,
    topics,
    hashes,
    keys,
    // When they happened is told by the database's clock.
    entries.map(({ event }) => JSON.stringify({ ...event, time: undefined })),
  ]);
  const { rows } = await ask.catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === serializationFailure) return { rows: undefined };
    throw error;
  });
  if (!rows || rows[0]?.id === null) return undefined;
  return {
    written: written(rows).map((row, index) => ({ ...row, event: row.event && { ...row.event, time: rows[index]?.at ?? row.event.time } })),
    after: new Map(words.map(({ person, after }) => [nameOf(person), after])),
  };
}

/** @returns what is to be remembered of somebody, and what is to be said: nothing where they are where they were. */
function wordOf({ person, before }: Party, calls: readonly CallRow[]) {
  const known = calls.filter(({ app_id }) => app_id === person.appId).reduce(gone, before.known);
  const presence = presenceOf(known);
  const isSaid = isSame(before.said.presence, presence);
  const version = before.said.version + 1;
  const said = isSaid ? before.said : { version, presence: { ...presence, version } };
  const entry = isSaid
    ? []
    : entriesOf(
        { ...person, at: new Date(0), presence: { ...presence, version }, erased: false },
        person.traceparent ?? currentTraceparent(),
      );
  return { person, entry, after: { ...before, turn: before.turn + 1, known, said } };
}

/** @returns what is known of somebody after one more call has gone on. */
function gone(known: Known, { ended, participants, call }: CallRow): Known {
  if (!participants.includes(known.userAlias)) return known;
  const others = known.calls.filter(({ callId }) => callId !== call.callId);
  const calls = ended ? others : [...others, call].sort((one, other) => (one.callId < other.callId ? -1 : 1));
  return { ...known, calls };
}
