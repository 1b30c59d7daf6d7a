import { createHash, createVerify } from 'node:crypto';

/** @returns a header field as `relaxed` has it (RFC 6376 §3.4.2). */
function relaxedHeader(line: string): string {
  const colon = line.indexOf(':');
  const value = line
    .slice(colon + 1)
    .replace(/\r\n/g, '')
    .replace(/[ \t]+/g, ' ')
    .trim();
  return `${line.slice(0, colon).trim().toLowerCase()}:${value}`;
}

/** @returns a body as `relaxed` has it (§3.4.4). */
function relaxedBody(body: string): string {
  const lines = body.split('\r\n').map((line) => line.replace(/[ \t]+/g, ' ').replace(/ $/, ''));
  while (lines.at(-1) === '') lines.pop();
  return lines.length === 0 ? '' : `${lines.join('\r\n')}\r\n`;
}

function tagsOf(value: string): Map<string, string> {
  const tags = value.split(';').map((tag) => tag.trim().split(/=(.*)/s));
  return new Map(tags.flatMap(([name, text]) => (name && text !== undefined ? [[name.trim(), text.replace(/\s+/g, '')] as const] : [])));
}

/**
 * Judges the DKIM signature of an e-mail as a receiver does (RFC 6376 §6.1), for `rsa-sha256` and `relaxed/relaxed`.
 * @param publicKey in PEM, as the record of the selector would tell it.
 * @returns what is wrong with it; undefined where it is good, and the names of header fields that it covers.
 */
export function judgeDkim(raw: string, publicKey: string): { fault: string } | { fault: undefined; covers: string[] } {
  const end = raw.indexOf('\r\n\r\n');
  const fields = raw.slice(0, end).split(/\r\n(?![ \t])/);
  const own = fields.find((field) => /^dkim-signature:/i.test(field));
  if (!own) return { fault: 'it is not signed' };
  const tags = tagsOf(own.slice(own.indexOf(':') + 1));
  if (tags.get('a') !== 'rsa-sha256' || tags.get('c') !== 'relaxed/relaxed')
    return { fault: `${tags.get('a')} and ${tags.get('c')} are not judged here` };
  const hash = createHash('sha256')
    .update(relaxedBody(raw.slice(end + 4)), 'latin1')
    .digest('base64');
  if (hash !== tags.get('bh')) return { fault: 'the body is not what was signed' };
  const covers = (tags.get('h') ?? '').toLowerCase().split(':');
  const left = [...fields];
  // Of fields with one name the last is signed first.
  const signed = covers.flatMap((name) => {
    const at = left.findLastIndex((field) => field.slice(0, field.indexOf(':')).trim().toLowerCase() === name);
    return at < 0 ? [] : left.splice(at, 1).map(relaxedHeader);
  });
  const unsigned = relaxedHeader(own.replace(/(\bb=)[^;]*$/s, '$1').replace(/([;\s]b=)[^;]*(;)/s, '$1$2'));
  const verify = createVerify('RSA-SHA256').update([...signed, unsigned].join('\r\n'), 'latin1');
  if (!verify.verify(publicKey, tags.get('b') ?? '', 'base64')) return { fault: 'the signature is not that of its headers' };
  return { fault: undefined, covers };
}
