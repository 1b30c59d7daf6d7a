import { Socket } from 'node:net';
import { rootCertificates } from 'node:tls';
import { expect, test } from 'vitest';
import { LedAgent } from './led-agent.js';

test('what is trusted is no part of the name by which connections are looked up for each request', () => {
  const agent = new LedAgent({ ca: [...rootCertificates] });
  expect(agent.options.ca).toBeUndefined();
  expect(agent.getName({ host: 'fcm.googleapis.com', port: 443 }).length).toBeLessThan(200);
  agent.destroy();
});

test('as many connections are kept as there may be, each for half a minute', () => {
  const agent = new LedAgent({ maxSockets: 512 });
  expect(agent.maxFreeSockets).toBe(512);
  const socket = new Socket();
  agent.keepSocketAlive(socket);
  expect(socket.timeout).toBe(30_000);
  socket.destroy();
  agent.destroy();
});
