import { type IncomingMessage, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { ProblemError } from '@communication-center/service';
import { passedBack } from '../public-door/passed-headers.js';
import { keptNowhere, saidAlways } from '../public-door/safe-headers.js';

/** An answer to an upgrade that was refused is a short one, and comes at once. */
const mostBytes = 65_536;
const silenceMs = 5000;

/** Answers an upgrade with a problem, and ends its connection. */
export function refuseUpgrade(socket: Duplex, error: ProblemError): void {
  const problem = error.toProblem();
  const body = JSON.stringify(problem);
  socket.end(
    head(problem.status, {
      ...saidAlways,
      ...keptNowhere,
      'content-type': 'application/problem+json',
      'content-length': Buffer.byteLength(body),
      ...(error.retryAfterSeconds !== undefined && { 'retry-after': error.retryAfterSeconds }),
      ...(problem.status === 426 && { upgrade: 'websocket' }),
      connection: 'close',
    }) + body,
  );
}

/**
 * Passes back what a service answered in place of taking an upgrade, and ends the connection.
 * @throws ProblemError `service_unavailable` for an answer that breaks off, or is longer than such answers are.
 */
export async function passRefusal(socket: Duplex, answer: IncomingMessage): Promise<void> {
  const body = await readShort(answer);
  const fields = { ...saidAlways, ...keptNowhere, ...passedBack(answer.headers), 'content-length': body.length, connection: 'close' };
  socket.write(head(answer.statusCode ?? 502, fields));
  socket.end(body);
}

async function readShort(answer: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  answer.setTimeout(silenceMs, () => answer.destroy());
  try {
    for await (const piece of answer as AsyncIterable<Buffer>) {
      bytes += piece.length;
      if (bytes > mostBytes) throw new Error(`more than ${mostBytes} bytes refuse an upgrade`);
      pieces.push(piece);
    }
  } catch (cause) {
    throw new ProblemError('service_unavailable', undefined, { cause });
  }
  return Buffer.concat(pieces);
}

/** @returns the head of an answer; its fields' values are ones that a parser has let through, so no line ends in them. */
export function head(status: number, fields: Record<string, string | number | string[] | undefined>): string {
  const lines = Object.entries(fields).flatMap(([name, values]) => [values ?? []].flat().map((value) => `${name}: ${value}\r\n`));
  return `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${lines.join('')}\r\n`;
}
