import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { Injectable } from '@nestjs/common';
import { Clients } from '../clients.js';
import { SignInFailures } from '../fair-share/sign-in-failures.js';

/** So many are held back at a time, some 20 KB each. Who comes beyond them hears at once, and its connection ends. */
const mostHeld = 2000;
const bounds = {
  /** For so long, at least, whoever failed too often does not hear that it is refused once more. */
  holdMs: 1000,
  /** So many are let go every `everyMs`: 500 a second, however many come. */
  atOnce: 10,
  everyMs: 20,
};

interface Held {
  from: number;
  letGo: () => void;
}

/**
 * Holds back those who failed to sign in too often, before anything is done for them: a connection of theirs is refused once a second, and
 * nothing else is read of it meanwhile. So a flood of wrong tokens waits in its own connections, and costs the same whether it has a thousand
 * tokens or a million. Nobody is held back with a credential that was good at that address a short while ago.
 */
@Injectable()
export class HeldBack {
  readonly #held = new Set<Held>();
  /** Connections of which one request is held back. */
  readonly #connections = new WeakSet<Socket>();
  /** Those of them that asked again without waiting for the answer. */
  readonly #impatient = new WeakSet<Socket>();
  #timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly failures: SignInFailures,
    private readonly clients: Clients,
  ) {}

  /** Stands before what a server does with requests, from now on. */
  guard(server: Server): void {
    const listeners = server.listeners('request') as ((this: Server, request: IncomingMessage, response: ServerResponse) => void)[];
    server.removeAllListeners('request');
    server.on('request', (request, response) =>
      this.#receive(request, response, () => {
        for (const listener of listeners) listener.call(server, request, response);
      }),
    );
  }

  /** Lets whoever is about to be refused wait its time; where too many do, not at all. */
  wait(): Promise<void> {
    return new Promise((resolve) => {
      if (!this.#hold(resolve)) resolve();
    });
  }

  #receive(request: IncomingMessage, response: ServerResponse, pass: () => void): void {
    const { socket } = request;
    // What came along with a request that is held back is not looked at: the answer to that one ends the connection.
    if (this.#connections.has(socket)) return void this.#impatient.add(socket);
    if (!this.#isRefused(request)) return pass();
    const held = this.#hold(() => {
      this.#connections.delete(socket);
      if (socket.destroyed) return;
      if (this.#impatient.has(socket)) response.setHeader('connection', 'close');
      else socket.resume();
      pass();
    });
    if (!held) {
      response.setHeader('connection', 'close');
      return pass();
    }
    this.#connections.add(socket);
    // Node reads on by itself once it has taken the request, in this turn of the event loop and the next tick.
    setImmediate(() => {
      if (this.#connections.has(socket)) socket.pause();
    });
    response.once('close', () => this.#held.delete(held));
  }

  #isRefused(request: IncomingMessage): boolean {
    const { authorization } = request.headers;
    if (!authorization?.startsWith('Bearer ') || !request.url?.startsWith('/v1/')) return false;
    return this.failures.refuses({ credential: authorization.slice(7), address: this.clients.countedAddressOf(request) });
  }

  #hold(letGo: () => void): Held | undefined {
    if (this.#held.size >= mostHeld) return undefined;
    const held = { from: performance.now(), letGo };
    this.#held.add(held);
    this.#timer ??= setInterval(() => this.#letSomeGo(), bounds.everyMs).unref();
    return held;
  }

  /** The first who came go first. */
  #letSomeGo(): void {
    const until = performance.now() - bounds.holdMs;
    let left = bounds.atOnce;
    for (const held of this.#held) {
      if (left === 0 || held.from > until) break;
      left -= 1;
      this.#held.delete(held);
      held.letGo();
    }
    if (this.#held.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
