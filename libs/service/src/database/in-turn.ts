import type { Database } from '@communication-center/event-log';

/**
 * @returns a database that does one thing at a time, a statement or a transaction: what looks around now and then shares one
 * connection so, and nobody waits for it. A transaction may ask nothing but by itself: anything else would wait for its end.
 */
export function inTurn(database: Database): Database {
  let last: Promise<unknown> = Promise.resolve();
  const whenFree = <T>(work: () => Promise<T>): Promise<T> => {
    const done = last.then(work);
    last = done.catch(() => undefined);
    return done;
  };
  return {
    schema: database.schema,
    query: (text, values) => whenFree(() => database.query(text, values)),
    transaction: (work) => whenFree(() => database.transaction(work)),
    connect: () => database.connect(),
  };
}
