import { type IncomingMessage, type OutgoingHttpHeaders, request } from 'node:http';
import type { Socket } from 'node:net';
import { buildConnector } from 'undici';

const connect = buildConnector({ timeout: 2000 });

/** What a service made of an upgrade: it took it, or answered as to any other request. */
export type UpgradeAnswer = { answer: IncomingMessage; taken?: { socket: Socket; head: Buffer } };

/**
 * Asks a service to make a WebSocket of a connection (RFC 6455 §4).
 * @param answerMs for so long it may take to answer.
 * @param gone the asker is: then nobody waits for the answer any more.
 * @throws as the connection failed; an `AbortError` when the asker is gone.
 */
export function askToUpgrade(url: URL, headers: OutgoingHttpHeaders, answerMs: number, gone: AbortSignal): Promise<UpgradeAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<UpgradeAnswer>();
  const asked = request({
    path: url.pathname + url.search,
    headers: { ...headers, host: url.host, connection: 'Upgrade', upgrade: 'websocket' },
    signal: gone,
    createConnection: (_options, done) => {
      const { hostname, host, protocol, port } = url;
      connect({ hostname, host, protocol, port }, (error, socket) => done(error, socket as Socket));
      return undefined;
    },
  });
  const late = setTimeout(() => asked.destroy(new Error(`no answer within ${answerMs} ms`)), answerMs);
  asked.once('upgrade', (answer, socket, head) => resolve({ answer, taken: { socket: socket as Socket, head } }));
  asked.once('response', (answer) => resolve({ answer }));
  asked.once('error', reject);
  asked.end();
  return promise.finally(() => clearTimeout(late));
}
