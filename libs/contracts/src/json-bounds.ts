/** How much structure a door or a reader takes. */
export interface JsonLimits {
  depth: number;
  nodes: number;
  keyBytes: number;
}

/**
 * How much structure any door reads. Requests need a tenth of it; a parser of schemas, which calls itself for each level, could
 * bear a hundred times as much.
 */
export const jsonLimits = { depth: 32, nodes: 20_000, keyBytes: 1024 } as const satisfies JsonLimits;

/** How much a reader of the log takes: more than any event has that was ever written, less than a parser of schemas bears. */
export const eventLimits = { depth: 1024, nodes: 200_000, keyBytes: 4096 } as const satisfies JsonLimits;

export type JsonFault = 'too_deep' | 'too_many_nodes' | 'key_too_long';

const quote = 0x22;
const comma = 0x2c;
const colon = 0x3a;
const openBracket = 0x5b;
const backslash = 0x5c;
const closeBracket = 0x5d;
const openBrace = 0x7b;
const closeBrace = 0x7d;

/**
 * Looks at JSON before anything parses it: in one pass, without a call for each level.
 * @param bytes in UTF-8. What is no JSON at all is left to the parser to refuse.
 * @returns which limit it breaks; undefined when none.
 */
export function jsonFault(bytes: Uint8Array, limits: JsonLimits = jsonLimits): JsonFault | undefined {
  // Each level, value and letter of a key takes a byte at least: most events and many frames are too short to break any limit.
  if (bytes.length <= Math.min(limits.depth, limits.nodes, limits.keyBytes)) return undefined;
  let depth = 0;
  let nodes = 1;
  let textBytes = 0;
  for (let at = 0; at < bytes.length; at += 1) {
    switch (bytes[at]) {
      case quote: {
        const end = endOfText(bytes, at);
        textBytes = end - at - 1;
        at = end;
        break;
      }
      case openBracket:
      case openBrace:
        depth += 1;
        nodes += 1;
        if (depth > limits.depth) return 'too_deep';
        if (nodes > limits.nodes) return 'too_many_nodes';
        break;
      case closeBracket:
      case closeBrace:
        depth -= 1;
        break;
      case comma:
        nodes += 1;
        if (nodes > limits.nodes) return 'too_many_nodes';
        break;
      case colon:
        if (textBytes > limits.keyBytes) return 'key_too_long';
        break;
    }
  }
  return undefined;
}

/** @returns a sentence for whoever sent it. */
export function jsonFaultMessage(fault: JsonFault, limits: JsonLimits = jsonLimits): string {
  switch (fault) {
    case 'too_deep':
      return `too_deep: nest JSON at most ${limits.depth} levels deep`;
    case 'too_many_nodes':
      return `too_many_nodes: send JSON of at most ${limits.nodes} values`;
    case 'key_too_long':
      return `key_too_long: keep each key within ${limits.keyBytes} bytes`;
  }
}

/** @returns where the text that begins at `start` has its closing quote, or the end of the bytes. */
function endOfText(bytes: Uint8Array, start: number): number {
  for (let end = bytes.indexOf(quote, start + 1); end >= 0; end = bytes.indexOf(quote, end + 1)) {
    let escapes = 0;
    while (bytes[end - 1 - escapes] === backslash) escapes += 1;
    if (escapes % 2 === 0) return end;
  }
  return bytes.length;
}
