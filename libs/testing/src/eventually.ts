/**
 * Waits until `check` gives a value that is not undefined or false.
 * @throws Error that says what was missing, and the last error of `check`.
 */
export async function eventually<T>(
  what: string,
  check: () => T | Promise<T>,
  timeoutMs = 20_000,
): Promise<Exclude<T, undefined | null | false>> {
  const end = Date.now() + timeoutMs;
  let last: unknown;
  do {
    try {
      const value = await check();
      if (value !== undefined && value !== null && value !== false) return value as Exclude<T, undefined | null | false>;
      last = undefined;
    } catch (error) {
      last = error;
    }
    await new Promise((resolve) => setTimeout(resolve, 25));
  } while (Date.now() < end);
  throw new Error(`${what} did not come about within ${timeoutMs} ms`, { cause: last });
}

/**
 * Watches that `check` stays true for a while, where something must not happen.
 * @throws Error that says what stopped holding, and when.
 */
export async function holds(what: string, check: () => boolean | Promise<boolean>, forMs: number): Promise<void> {
  const start = Date.now();
  while (Date.now() - start < forMs) {
    if (!(await check())) throw new Error(`${what} stopped holding after ${Date.now() - start} ms`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}
