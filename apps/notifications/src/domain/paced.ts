interface Due {
  /** Whose it is. */
  turn: string;
}

/**
 * Spreads what is due over the time until it is looked again: of each app as many as it may send by then, one after the other. More would be
 * taken up at once, only to be put off again, and that beside everything else that goes by the same database.
 * @param perSecond what an app may send in a second, in each replica. Twice as many are taken up: another replica may be at the same ones.
 * @param roundMs in so many milliseconds it is looked again.
 * @returns each with the milliseconds after which its turn is.
 */
export function paced<T extends Due>(due: readonly T[], perSecond: number, roundMs: number): { one: T; delayMs: number }[] {
  const apartMs = 1000 / (2 * perSecond);
  const taken = new Map<string, number>();
  return due.flatMap((one) => {
    const delayMs = (taken.get(one.turn) ?? 0) * apartMs;
    if (delayMs >= roundMs) return [];
    taken.set(one.turn, (taken.get(one.turn) ?? 0) + 1);
    return [{ one, delayMs: Math.round(delayMs) }];
  });
}
