/**
 * Cuts a list into pieces of so many items, and so much in all, at most. An item that is larger by itself is a piece of its own.
 * @param sizeOf the size of an item, in the unit of `size`.
 */
export function chunksOf<T>(items: readonly T[], sizeOf: (item: T) => number, most: { items: number; size: number }): T[][] {
  const chunks: T[][] = [];
  let chunk: T[] = [];
  let size = 0;
  for (const item of items) {
    const more = sizeOf(item);
    if (chunk.length > 0 && (chunk.length >= most.items || size + more > most.size)) {
      chunks.push(chunk);
      chunk = [];
      size = 0;
    }
    chunk.push(item);
    size += more;
  }
  if (chunk.length > 0) chunks.push(chunk);
  return chunks;
}
