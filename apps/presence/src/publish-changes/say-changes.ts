import { isDeepStrictEqual } from 'node:util';
import { enveloped, farewellOf, type Presence } from '@communication-center/contracts';
import { forOutbox, type OutboxEntry, type OutboxPlace, type Sql, type WrittenRow } from '@communication-center/event-log';
import { currentTraceparent } from '@communication-center/service';
import { v7 as uuidv7 } from 'uuid';
import { bucketOf } from '../domain/buckets.js';
import { presenceOf } from '../domain/presence-of.js';
import type { Remembered } from './known-lately.js';
import { type Look, lookAt, type Moved, nameOf, type Person } from './look-at.js';
import { markToLookAt } from './marks.js';

/** The transaction in which something is said. */
export interface Saying {
  tx: Sql;
  /** Runs its last statement. */
  last: Sql['query'];
}

/** What is to be said of somebody. */
interface Word extends Person {
  at: Date;
  /** Null where there is nothing to say to those who follow, only something to erase. */
  presence: Presence | null;
  /** Whether only the version is kept, so that it never goes back. */
  erased: boolean;
}

/** What came of it: the outbox's rows, to be told to the relay after the commit, and what is to be remembered then, by {@link nameOf}. */
export interface Said {
  written: WrittenRow[];
  found: Map<string, Remembered>;
}

/**
 * Looks at people and says where they are, where that is not what was said last: in the readings, in the order of their bucket,
 * and to the log. Only here and in `tellOfCalls` a version rises, under the lock of the person's row.
 * @param kept changes a bucket keeps at most.
 */
export async function sayChanges({ tx, last }: Saying, people: readonly Moved[], kept: number): Promise<Said> {
  const readAt = performance.now();
  const looks = await lookAt(tx, people);
  const words = looks.flatMap((look) => wordOf(look) ?? []);
  const found = new Map(looks.flatMap((look) => remembered(look, readAt, words) ?? []));
  const seen = new Set(looks.map(nameOf));
  // Who was set aside has a mark; one more says that what its look found may be outdated.
  await markToLookAt(
    tx,
    people.filter((person) => !seen.has(nameOf(person))),
  );
  if (words.length === 0) return { written: [], found };
  const traces = new Map(people.map((person) => [nameOf(person), person.traceparent ?? currentTraceparent()]));
  const entries = words.flatMap((word) => entriesOf(word, traces.get(nameOf(word))));
  return { written: await say(last, words, kept, entries), found };
}

function remembered(look: Look, readAt: number, words: readonly Word[]): [string, Remembered][] | undefined {
  const { turn, known, said, isListed } = look;
  if (!known || !isListed) return undefined;
  const presence = words.find((word) => nameOf(word) === nameOf(look))?.presence;
  return [[nameOf(look), { turn, known, readAt, said: presence ? { version: presence.version, presence } : said }]];
}

/** @returns undefined where all was said. */
function wordOf({ appId, userAlias, at, known, said }: Look): Word | undefined {
  const version = said.version + 1;
  if (!known) return { appId, userAlias, at, presence: said.presence && farewellOf({ userAlias, version }), erased: true };
  const presence = presenceOf(known);
  return isSame(said.presence, presence) ? undefined : { appId, userAlias, at, presence: { ...presence, version }, erased: false };
}

/** Whether what is to be said now was said last. */
export function isSame(published: Presence | null, now: Omit<Presence, 'version'>): boolean {
  if (!published) return false;
  const { version: _, ...said } = published;
  return isDeepStrictEqual(said, now);
}

/**
 * Writes what is said now into the readings and the outbox, and gives it places in the orders of the buckets, which forget what
 * they have too many of. A bucket's row is locked until the commit, so no place is ever taken late; other buckets do not wait.
 */
async function say(last: Sql['query'], words: readonly Word[], kept: number, entries: readonly OutboxEntry[]): Promise<WrittenRow[]> {
  const { columns, written } = forOutbox(entries);
  const { rows } = await last<OutboxPlace>(
    `WITH said AS MATERIALIZED (SELECT say_presence($1, $2, $3, $4, $5, $6))
     SELECT place.* FROM said, put_into_outbox($7, $8, $9, $10) AS place`,
    [
      words.map(({ appId }) => appId),
      words.map(({ userAlias }) => userAlias),
      words.map(({ userAlias }) => bucketOf(userAlias)),
      words.map(({ presence }) => (presence ? JSON.stringify(presence) : null)),
      words.map(({ erased }) => erased),
      kept,
      ...columns,
    ],
  );
  return written(rows);
}

/** @returns what the log is told of somebody. */
export function entriesOf({ presence, at, erased, ...person }: Word, traceparent: string | undefined): OutboxEntry[] {
  const key = nameOf(person);
  const { appId } = person;
  const end: OutboxEntry[] = erased ? [{ topic: 'presence.events', key, event: null }] : [];
  if (!presence) return end;
  const origin = { id: uuidv7(), source: '/presence', at, subject: key, appId, sequence: presence.version, traceparent };
  return [{ topic: 'presence.events', key, event: enveloped({ type: 'presence.changed', data: presence }, origin) }, ...end];
}
