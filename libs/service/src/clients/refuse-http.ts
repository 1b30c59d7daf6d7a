import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { tooMany } from './client-connections.js';

const retryAfterSeconds = 10;

/** Answers whatever a client will ask over a connection of HTTP with a problem, before it is read, and ends the connection. */
export function refuseOverHttp(socket: Socket): void {
  const problem = tooMany().toProblem();
  const body = JSON.stringify(problem);
  const lines = [
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}`,
    'content-type: application/problem+json',
    `content-length: ${Buffer.byteLength(body)}`,
    `retry-after: ${retryAfterSeconds}`,
    'connection: close',
  ];
  // What it asks is let go of: closing with it unread would take the answer back.
  socket.resume();
  socket.end(`${lines.join('\r\n')}\r\n\r\n${body}`);
}
