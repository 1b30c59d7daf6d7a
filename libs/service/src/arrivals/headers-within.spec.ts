/* A connection that does not say what it wants, or says it a letter at a time, does not stay. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { headersWithin } from './headers-within.js';

let server: Server;

beforeEach(async () => {
  server = createServer(headersWithin(300), (_request, response) => response.end('well'));
  await once(server.listen(0, '127.0.0.1'), 'listening');
});

afterEach(() => server.close());

const open = () =>
  connect((server.address() as AddressInfo).port, '127.0.0.1')
    .on('error', () => undefined)
    .resume();

test('one that says nothing is ended', async () => {
  await once(open(), 'close');
});

test('one that says a letter at a time is ended', async () => {
  const socket = open();
  socket.write('GET / HTTP/1.1\r\nHost: door\r\nX: ');
  const dripping = setInterval(() => socket.write('y'), 50);
  await once(socket, 'close').finally(() => clearInterval(dripping));
});

test('one that was answered may wait for its next request', async () => {
  const socket = open();
  let heard = '';
  socket.on('data', (piece) => (heard += String(piece)));
  socket.write('GET / HTTP/1.1\r\nHost: door\r\n\r\n');
  await new Promise((resolve) => setTimeout(resolve, 900));
  socket.write('GET / HTTP/1.1\r\nHost: door\r\nConnection: close\r\n\r\n');
  await once(socket, 'close');
  expect(heard.match(/well/g)?.length).toBe(2);
});
