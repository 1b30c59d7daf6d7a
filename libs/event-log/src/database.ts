/** What one SQL statement returns. */
export interface Rows<R> {
  rows: R[];
  rowCount: number | null;
}

/** Runs SQL, inside a transaction or not. */
export interface Sql {
  query<R = Record<string, unknown>>(text: string, values?: unknown[]): Promise<Rows<R>>;
}

/** A connection of one's own, as the relay needs it for its locks. */
export interface OwnConnection extends Sql {
  on(event: 'notification' | 'error' | 'end', listener: (...args: unknown[]) => void): unknown;
  end(): Promise<void>;
}

/** Runs statements in one transaction, which begins with the first of them. */
export interface Transaction extends Sql {
  /**
   * Asks a statement that is a transaction by itself, in one round trip: before any other, and with the first other one a
   * transaction begins that it is no part of.
   */
  alone: Sql['query'];
  /** Asks the last statement and commits, in one round trip. Where it fails, nothing of the transaction stays; nothing may follow. */
  last: Sql['query'];
}

/** The owning service's database, its search path set to the service's schema. */
export interface Database extends Sql {
  readonly schema: string;
  /** Runs `work` in one transaction: committed when it resolves, rolled back when it throws. Its BEGIN goes with the first statement. */
  transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T>;
  /** Opens a connection outside the pool. */
  connect(): Promise<OwnConnection>;
}
