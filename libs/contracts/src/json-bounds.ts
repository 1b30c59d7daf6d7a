/**
 * How much structure any door reads. Requests need a tenth of it; a parser of schemas, which calls itself for each level, could
 * bear a hundred times as much.
 */
export const jsonLimits = { depth: 32, nodes: 20_000, keyBytes: 1024 } as const;

export type JsonFault = 'too_deep' | 'too_many_nodes' | 'key_too_long';

const quote = 0x22;
const comma = 0x2c;
const colon = 0x3a;
const backslash = 0x5c;
const openings = new Set([0x5b, 0x7b]);
const closings = new Set([0x5d, 0x7d]);

/**
 * Looks at JSON before anything parses it: in one pass, without a call for each level.
 * @param bytes in UTF-8. What is no JSON at all is left to the parser to refuse.
 * @returns which limit it breaks; undefined when none.
 */
export function jsonFault(bytes: Uint8Array): JsonFault | undefined {
  let depth = 0;
  let nodes = 1;
  let textBytes = 0;
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at] ?? 0;
    if (byte === quote) {
      const end = endOfText(bytes, at);
      textBytes = end - at - 1;
      at = end;
    } else if (openings.has(byte)) {
      depth += 1;
      nodes += 1;
    } else if (closings.has(byte)) depth -= 1;
    else if (byte === comma) nodes += 1;
    else if (byte === colon && textBytes > jsonLimits.keyBytes) return 'key_too_long';
    if (depth > jsonLimits.depth) return 'too_deep';
    if (nodes > jsonLimits.nodes) return 'too_many_nodes';
  }
  return undefined;
}

/** @returns a sentence for whoever sent it. */
export function jsonFaultMessage(fault: JsonFault): string {
  switch (fault) {
    case 'too_deep':
      return `too_deep: nest JSON at most ${jsonLimits.depth} levels deep`;
    case 'too_many_nodes':
      return `too_many_nodes: send JSON of at most ${jsonLimits.nodes} values`;
    case 'key_too_long':
      return `key_too_long: keep each key within ${jsonLimits.keyBytes} bytes`;
  }
}

/** @returns where the text that begins at `start` has its closing quote, or the end of the bytes. */
function endOfText(bytes: Uint8Array, start: number): number {
  let at = start + 1;
  while (at < bytes.length && bytes[at] !== quote) at += bytes[at] === backslash ? 2 : 1;
  return Math.min(at, bytes.length);
}
