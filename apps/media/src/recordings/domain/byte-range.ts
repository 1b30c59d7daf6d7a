/** The bytes of a file that are asked for, both ends in them; `all` where the request asks for no part of it. */
export type AskedBytes = { start: number; end: number; isPart: boolean };

/**
 * Reads a Range header (RFC 9110 §14.2). Several ranges, other units and what is no range are passed over, as it lets servers do: then the whole file is given.
 * @returns the bytes; undefined where no byte of the file is in the range (416).
 */
export function bytesAsked(header: string | undefined, size: number): AskedBytes | undefined {
  const all = { start: 0, end: size - 1, isPart: false };
  const found = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header ?? '');
  if (!found) return all;
  const [, first = '', last = ''] = found;
  if (first === '' && last === '') return all;
  if (first === '') {
    // So many of the last ones.
    const count = Math.min(Number(last), size);
    return count === 0 ? undefined : { start: size - count, end: size - 1, isPart: true };
  }
  const start = Number(first);
  const end = last === '' ? size - 1 : Math.min(Number(last), size - 1);
  if (last !== '' && Number(last) < start) return all;
  return start >= size ? undefined : { start, end, isPart: true };
}
