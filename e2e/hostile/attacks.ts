import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { Fleet, TestApp } from '@communication-center/testing';
import type { WebSocket } from 'ws';
import { Chance, mutated } from './chance.js';
import { sipMessages } from './corpus.js';
import { askFromElsewhere, elsewhere, socketFromElsewhere } from './elsewhere.js';

/** What an attacker has: the doors, and an app of their own. */
export interface Reach {
  fleet: Fleet;
  app: TestApp;
  token: string;
  chance: Chance;
}

const pause = (milliseconds: number) => new Promise<void>((resolve) => setTimeout(resolve, milliseconds));

/** Says bytes over a connection of its own, and hears nothing: what comes of it is told by those who are honest. */
async function say(fleet: Fleet, text: string | Buffer): Promise<void> {
  const socket = connect({ port: Number(new URL(fleet.url).port), host: '127.0.0.1', localAddress: elsewhere });
  socket.on('error', () => undefined).resume();
  socket.end(text);
  await Promise.race([once(socket, 'close'), pause(3000)]).catch(() => undefined);
  socket.destroy();
}

/** Opens a socket of the door, has it do something, and closes it. */
async function onSocket(fleet: Fleet, act: (socket: WebSocket) => Promise<void> | void): Promise<void> {
  const socket = socketFromElsewhere(`${fleet.url.replace('http', 'ws')}/v1/socket`, 'communication-center.v1');
  const settled = new Promise<void>((resolve) => {
    socket.onopen = () => resolve();
    socket.onerror = () => resolve();
  });
  await Promise.race([settled, pause(3000)]);
  if (socket.readyState === socket.OPEN) await act(socket);
  socket.close();
}

async function ask(fleet: Fleet, method: string, path: string, key: string, body?: string): Promise<void> {
  await askFromElsewhere(new URL(path, fleet.url), { method, key, body });
}

const brackets = (count: number) => '['.repeat(count) + ']'.repeat(count);
const connectFrame = ({ app, token }: Reach, deviceId: string, more = {}) =>
  JSON.stringify({ type: 'connect', id: 0, appId: app.appId, userAlias: 'mallory', deviceId, token, ...more });

/** Each is one go; they are repeated, all at once, for as long as the test says. */
export const attacks: Readonly<Record<string, (reach: Reach) => Promise<void>>> = {
  'JSON without an end': async ({ fleet, app }) => {
    await onSocket(fleet, (socket) => socket.send(`{"type":"connect","id":0,"x":${brackets(30_000)}}`));
    await ask(fleet, 'POST', '/v1/calls', app.key, `{"userAlias":"mallory","callees":["trent"],"customData":${brackets(50_000)}}`);
  },
  'what no database keeps': async ({ fleet, app }) => {
    await ask(fleet, 'PUT', '/v1/users/%00', app.key, '{}');
    await ask(fleet, 'PUT', '/v1/users/mallory', app.key, '{"name":"\\u0000\\ud800"}');
    await ask(fleet, 'POST', '/v1/calls', app.key, '{"userAlias":"mallory","callees":["trent"],"customData":{"\\u0000":1}}');
  },
  'targets that name a host': async ({ fleet }) => {
    for (const line of ['GET http://127.0.0.1:9/v1/calls', 'CONNECT 127.0.0.1:9', 'GET //127.0.0.1:9/v1', 'OPTIONS *', 'GET /%'])
      await say(fleet, `${line} HTTP/1.1\r\nHost: door\r\nConnection: close\r\n\r\n`);
  },
  'bytes that are no request': async ({ fleet, chance }) => {
    await say(fleet, mutated('POST /v1/calls HTTP/1.1\r\nHost: door\r\nContent-Length: 2\r\n\r\n{}', chance));
    await say(fleet, `GET / HTTP/1.1\r\nX: ${'y'.repeat(200_000)}`);
  },
  'datagrams that are no SIP': async ({ fleet, app, chance }) => {
    const phone = createSocket('udp4');
    phone.on('error', () => undefined);
    for (let count = 0; count < 20; count += 1)
      phone.send(
        mutated(chance.of(sipMessages(app.appId)), chance).subarray(0, 60_000),
        fleet.state.ports.sip ?? 0,
        '127.0.0.1',
        () => undefined,
      );
    await pause(50);
    phone.close();
  },
  'a socket that connects again and again': async (reach) => {
    await onSocket(reach.fleet, async (socket) => {
      for (let count = 0; count < 20; count += 1) socket.send(connectFrame(reach, `ghost-${count}`));
      await pause(200);
    });
  },
  'tokens that nobody gave': async (reach) => {
    const made = `${btoa('{"alg":"none"}')}.${btoa('{"sub":"mallory"}')}.${reach.chance.below(1e9)}`.replaceAll('=', '');
    await ask(reach.fleet, 'GET', '/v1/presence/mallory', made);
    await onSocket(reach.fleet, async (socket) => {
      socket.send(connectFrame(reach, 'guess', { token: made }));
      await pause(100);
    });
  },
  'frames that are too long': async ({ fleet }) => {
    await onSocket(fleet, async (socket) => {
      socket.send('x'.repeat(2_000_000));
      await pause(100);
    });
  },
  'more watches than anybody has people': async (reach) => {
    await onSocket(reach.fleet, async (socket) => {
      socket.send(connectFrame(reach, 'watcher'));
      for (let count = 0; count < 200; count += 1) {
        const userAliases = Array.from({ length: 50 }, (_, index) => `nobody-${count}-${index}`);
        socket.send(JSON.stringify({ type: 'watch', id: count, userAliases }));
      }
      await pause(300);
    });
  },
};

/** Keeps connections that never come to the end of their headers: a letter now and then. @returns what ends them. */
export function slowHeaders(fleet: Fleet, count: number): () => void {
  const open = new Set<Socket>();
  const one = () => {
    const socket = connect({ port: Number(new URL(fleet.url).port), host: '127.0.0.1', localAddress: elsewhere }, () =>
      socket.write('GET /v1/calls HTTP/1.1\r\nX: '),
    );
    open.add(
      socket
        .resume()
        .on('error', () => undefined)
        .on('close', () => open.delete(socket)),
    );
  };
  const timer = setInterval(() => {
    for (const socket of open) socket.write('y');
    // Those that were shown out come back.
    for (let lacking = count - open.size; lacking > 0; lacking -= 1) one();
  }, 250);
  return () => {
    clearInterval(timer);
    for (const socket of open) socket.destroy();
  };
}
