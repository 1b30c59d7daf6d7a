import { isUtf8 } from 'node:buffer';

/** What any message has room in: a phone's own are a tenth of it. A line is what a parser may take the square of its length for. */
export const messageLimits = { bytes: 16_384, lines: 128, lineBytes: 2048 } as const;

/**
 * Judges a message before a parser sees it.
 * @returns its text, with folded header fields in one line each (RFC 3261 §7.3.1); undefined for what is no text, holds control
 * characters where none belong, or is larger than messages are: it is dropped (§18.3).
 */
export function textOf(bytes: Buffer): string | undefined {
  if (bytes.length > messageLimits.bytes || !isUtf8(bytes)) return undefined;
  const text = bytes.toString('utf8');
  const end = text.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  const lines = text.slice(0, end).split('\r\n');
  if (lines.length > messageLimits.lines) return undefined;
  const whole: string[] = [];
  for (const line of lines) {
    const isFolded = /^[ \t]/.test(line);
    if (isFolded && whole.length > 1) whole.push(`${whole.pop()} ${line.trim()}`);
    else whole.push(line);
  }
  // NUL is one of them: no database keeps it.
  const areSound = whole.every((line) => line.length <= messageLimits.lineBytes && !/(?!\t)\p{Cc}/u.test(line));
  const body = text.slice(end);
  return areSound && !body.includes('\0') ? whole.join('\r\n') + body : undefined;
}
