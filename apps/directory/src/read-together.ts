import { Gathering } from '@communication-center/service';

/**
 * Makes a look-up whose questions, when they come together, are one statement.
 * @param read looks each of some different keys up. What it finds nothing of, it leaves out.
 */
export function readTogether<Key, Found>(
  nameOf: (key: Key) => string,
  read: (keys: readonly Key[]) => Promise<ReadonlyMap<string, Found>>,
) {
  const gathering = new Gathering<Key, Found | undefined>({
    mostAtOnce: 200,
    mostWaiting: 10_000,
    // The next need not wait until the one before is answered.
    groups: 2,
    work: async (keys) => {
      const found = await read([...new Map(keys.map((key) => [nameOf(key), key])).values()]);
      return keys.map((key) => ({ done: found.get(nameOf(key)) }));
    },
  });
  return (key: Key) => gathering.add(key);
}
