import { isIP } from 'node:net';

/** What a header of the PROXY protocol may have, in bytes: the first version's by its own rule, the second's with all that proxies add. */
export const proxyHeaderLimits = { firstBytes: 107, secondBytes: 2048 } as const;

const signature = Buffer.from([0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a]);
const firstWord = Buffer.from('PROXY ');
const secondHeadBytes = 16;

export interface Source {
  address: string;
  port: number;
}

/** A header that is whole: how long it is, and whose connection it is; undefined where it is the proxy's own, such as a health check. */
export interface ProxyHeader {
  bytes: number;
  source: Source | undefined;
}

/**
 * Reads what a proxy says of a connection before all else (PROXY protocol, HAProxy's specification, versions 1 and 2).
 * @param bytes all that came so far.
 * @returns `more` while it is not whole yet, `wrong` for what can never become a header.
 */
export function readProxyHeader(bytes: Buffer): ProxyHeader | 'more' | 'wrong' {
  if (startsLike(bytes, signature)) return bytes.length < secondHeadBytes ? 'more' : readSecond(bytes);
  if (startsLike(bytes, firstWord)) return readFirst(bytes);
  return 'wrong';
}

/** Whether bytes begin as the pattern does, as far as there are any. */
function startsLike(bytes: Buffer, pattern: Buffer): boolean {
  const length = Math.min(bytes.length, pattern.length);
  return bytes.compare(pattern, 0, length, 0, length) === 0;
}

function readFirst(bytes: Buffer): ProxyHeader | 'more' | 'wrong' {
  const end = bytes.subarray(0, proxyHeaderLimits.firstBytes).indexOf('\r\n');
  if (end < 0) return bytes.length < proxyHeaderLimits.firstBytes ? 'more' : 'wrong';
  const line = bytes.subarray(0, end).toString('latin1');
  if (line === 'PROXY UNKNOWN' || line.startsWith('PROXY UNKNOWN ')) return { bytes: end + 2, source: undefined };
  const found = /^PROXY TCP([46]) ([\da-fA-F.:]{2,39}) ([\da-fA-F.:]{2,39}) (\d{1,5}) (\d{1,5})$/.exec(line);
  if (!found) return 'wrong';
  const [, kind, address = '', , port = ''] = found;
  if (isIP(address) !== Number(kind) || Number(port) > 65_535) return 'wrong';
  return { bytes: end + 2, source: { address, port: Number(port) } };
}

function readSecond(bytes: Buffer): ProxyHeader | 'more' | 'wrong' {
  const [version, command] = [(bytes[12] ?? 0) >> 4, (bytes[12] ?? 0) & 0x0f];
  const size = secondHeadBytes + bytes.readUInt16BE(14);
  if (version !== 2 || command > 1 || size > proxyHeaderLimits.secondBytes) return 'wrong';
  if (bytes.length < size) return 'more';
  if (command === 0) return { bytes: size, source: undefined };
  const about = bytes.subarray(secondHeadBytes, size);
  switch (bytes[13]) {
    case 0x11:
      return about.length < 12
        ? 'wrong'
        : { bytes: size, source: { address: about.subarray(0, 4).join('.'), port: about.readUInt16BE(8) } };
    case 0x21:
      return about.length < 36 ? 'wrong' : { bytes: size, source: { address: v6(about.subarray(0, 16)), port: about.readUInt16BE(32) } };
    default:
      // Sockets of one machine, and what the proxy cannot name: the connection is the proxy's own.
      return { bytes: size, source: undefined };
  }
}

function v6(bytes: Buffer): string {
  return Array.from({ length: 8 }, (_, index) => bytes.readUInt16BE(2 * index).toString(16)).join(':');
}
