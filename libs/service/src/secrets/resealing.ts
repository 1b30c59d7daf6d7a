import type { SealedView } from '@communication-center/contracts/operations';
import type { Database, Sql } from '@communication-center/event-log';
import type { Key, KeyRing } from './key-ring.js';
import { headerOf, SealedBox } from './sealed-box.js';

/** A column of a {@link SealedBox}'s values. Empty ones are none. */
export interface SealedColumn {
  table: string;
  column: string;
  /** The columns of the primary key, in its order, and their types. */
  key: Readonly<Record<string, 'uuid' | 'text'>>;
  /** SQL for the owner that each value is sealed for. */
  owner: string;
}

/** A transaction holds the rows of so many values for some milliseconds. */
export const resealBatch = 200;
/** What a request seals anew at most, by time: the gateway waits longer for an answer. */
const stepMs = 3000;

interface SealedRow {
  owner: string;
  sealed: Buffer;
  [keyColumn: string]: unknown;
}

interface Done {
  resealed: number;
  unreadable: number;
}

/**
 * Seals with the key in use what other keys of the ring sealed, a batch in a transaction. Each value says which key sealed it, so nothing
 * else has to remember how far this is: whoever is killed at it leaves batches that are done and batches that are not, and any
 * replica goes on with those. A row that somebody is writing is passed over, and left for the next round; one that is locked here is
 * written by nobody else, so no secret that was just given is overwritten with the one before it.
 */
export class Resealing {
  readonly #box: SealedBox | undefined;

  constructor(
    private readonly database: Pick<Database, 'query' | 'transaction'>,
    private readonly keys: KeyRing | undefined,
    private readonly columns: readonly SealedColumn[],
  ) {
    this.#box = keys && new SealedBox(keys);
  }

  /** The key that seals here; undefined where nothing is kept sealed. */
  get current(): Key | undefined {
    return this.columns.length > 0 ? this.keys?.current : undefined;
  }

  /** @returns how many values each key sealed: reads every one of them. */
  async view(): Promise<SealedView> {
    const { current, all } = this.#ring();
    const named = all.filter(({ isNamed }) => isNamed);
    const counted = new Map<string | null, number>();
    for (const column of this.columns) {
      const { rows } = await this.database.query<{ id: string | null; values: number }>(countStatement(column), [
        named.map(({ id }) => id),
        named.map(headerOf),
      ]);
      for (const { id, values } of rows) counted.set(id, (counted.get(id) ?? 0) + values);
    }
    const keys = [...named.map(({ id }) => id), null].map((keyId) => ({ keyId, values: counted.get(keyId) ?? 0 }));
    const left = keys.filter(({ keyId }) => keyId !== current.id).reduce((sum, { values }) => sum + values, 0);
    return { keyId: current.id, left, keys: keys.filter(({ keyId, values }) => keyId !== null || values > 0) };
  }

  /** Seals anew for a few seconds, or until nothing is left that no other transaction holds. */
  async step(goOn: () => boolean = within(stepMs)): Promise<Done> {
    const done: Done = { resealed: 0, unreadable: 0 };
    for (const column of this.columns) {
      let after: unknown[] | undefined;
      while (goOn()) {
        const last = await this.database.transaction((tx) => this.#batch(tx, column, after, done));
        if (!last) break;
        after = last;
      }
    }
    return done;
  }

  /** @returns the key of the last row of a batch; undefined where there was none. */
  async #batch(tx: Sql, column: SealedColumn, after: unknown[] | undefined, done: Done): Promise<unknown[] | undefined> {
    const { current } = this.#ring();
    const { rows } = await tx.query<SealedRow>(readStatement(column, after !== undefined), [headerOf(current), ...(after ?? [])]);
    const last = rows.at(-1);
    if (!last) return undefined;
    const names = Object.keys(column.key);
    const anew = rows.flatMap((row) => {
      const sealed = this.#anew(row);
      return sealed ? [{ key: names.map((name) => row[name]), sealed }] : [];
    });
    if (anew.length > 0) {
      const keys = names.map((_, index) => anew.map(({ key }) => key[index]));
      await tx.query(writeStatement(column), [...keys, anew.map(({ sealed }) => sealed)]);
    }
    done.resealed += anew.length;
    done.unreadable += rows.length - anew.length;
    return names.map((name) => last[name]);
  }

  /** @returns undefined for what no key here opens. */
  #anew({ owner, sealed }: SealedRow): Buffer | undefined {
    const box = this.#box as SealedBox;
    let secret: string;
    try {
      secret = box.open(owner, sealed);
    } catch {
      // The one that lacks may be given back one day: it stays as it is, and is told of as unreadable.
      return undefined;
    }
    return box.seal(owner, secret);
  }

  #ring(): KeyRing {
    if (!this.keys) throw new Error('This service has no SECRETS_KEY');
    return this.keys;
  }
}

function within(milliseconds: number): () => boolean {
  const end = performance.now() + milliseconds;
  return () => performance.now() < end;
}

function countStatement({ table, column }: SealedColumn): string {
  return `SELECT named.id, count(*)::int AS values FROM ${table}
    LEFT JOIN unnest($1::text[], $2::bytea[]) AS named (id, header) ON substring(${column} FROM 1 FOR length(named.header)) = named.header
    WHERE length(${column}) > 0 GROUP BY named.id`;
}

/**
 * The next rows, in the primary key's order, that another key sealed, locked as an UPDATE locks them. Rows that refer to them
 * are written meanwhile, and whoever changes one of them waits for a batch at most.
 */
function readStatement({ table, column, key, owner }: SealedColumn, isLater: boolean): string {
  const names = Object.keys(key).join(', ');
  const place = Object.values(key).map((type, index) => `$${index + 2}::${type}`);
  return `SELECT ${names}, ${owner} AS owner, ${column} AS sealed FROM ${table}
    WHERE length(${column}) > 0 AND substring(${column} FROM 1 FOR length($1::bytea)) <> $1::bytea ${isLater ? `AND (${names}) > (${place.join(', ')})` : ''}
    ORDER BY ${names} LIMIT ${resealBatch} FOR NO KEY UPDATE SKIP LOCKED`;
}

/** One statement, so that triggers find all rows of the batch locked. */
function writeStatement({ table, column, key }: SealedColumn): string {
  const names = Object.keys(key);
  const given = [...Object.values(key), 'bytea'].map((type, index) => `$${index + 1}::${type}[]`);
  const same = names.map((name) => `${table}.${name} = anew.${name}`).join(' AND ');
  return `UPDATE ${table} SET ${column} = anew.sealed FROM unnest(${given.join(', ')}) AS anew (${[...names, 'sealed'].join(', ')}) WHERE ${same}`;
}
