import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { countedAs } from '@communication-center/service';
import { Injectable } from '@nestjs/common';
import { Clients } from '../clients.js';
import { SignInFailures } from '../fair-share/sign-in-failures.js';

/** So many requests, and as many connections, are held back at a time, some 20 KB each; what comes beyond them is cut off. */
const mostHeld = 2000;
/** A connection that brings more than so many requests at once is cut off as well: each takes memory until it is answered. */
const mostAtOnce = 16;
/** For so long, at least, whoever failed too often does not hear that it is refused once more. */
const holdMs = 1000;
/** So many requests of theirs are looked at every `everyMs`: 500 a second, however many come. */
const [turns, everyMs] = [10, 20];
/** What came at once beyond that is made up for by a pause of two seconds at most. */
const debtAtWorst = 1000;

interface Held {
  from: number;
  letGo: () => void;
}

/**
 * Holds back those who failed to sign in too often, before anything is done for them: a connection of theirs is refused once a second, nothing
 * else is read of it meanwhile, and another one from there is not read before a second has passed, either. So a flood of wrong tokens waits in its own
 * connections, and costs the same whether it has a thousand tokens or a million. Over connections that are open, nobody is held back with a
 * credential that was good at that address a short while ago.
 */
@Injectable()
export class HeldBack {
  readonly #requests = new Set<Held>();
  readonly #connections = new Set<Held>();
  /** Connections of which one request is held back, and how many more came with it. */
  readonly #more = new WeakMap<Socket, number>();
  /** How many requests may be looked at yet; less than nothing where more came at once. */
  #left = turns;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly failures: SignInFailures,
    private readonly clients: Clients,
  ) {}

  /** Stands before what a server does with connections and requests, from now on; whoever tells addresses must stand before this. */
  guard(server: Server): void {
    type Listener = (this: Server, ...args: unknown[]) => void;
    const takeOver = (event: 'connection' | 'request') => {
      const listeners = server.listeners(event) as Listener[];
      server.removeAllListeners(event);
      return (...args: unknown[]) => {
        for (const listener of listeners) listener.call(server, ...args);
      };
    };
    const [connect, answer] = [takeOver('connection'), takeOver('request')];
    server.on('connection', (socket: Socket) => this.#connected(socket, () => connect(socket)));
    server.on('request', (request, response) => this.#asked(request, response, () => answer(request, response)));
  }

  /** Lets whoever is about to be refused wait its time; where too many do, not at all. */
  wait(): Promise<void> {
    return new Promise((resolve) => {
      if (!this.#hold(this.#requests, resolve)) resolve();
    });
  }

  #connected(socket: Socket, pass: () => void): void {
    const address = countedAs(this.clients.sourceOf(socket).address);
    if (!this.failures.isOver(address)) return pass();
    socket.on('error', endOnError);
    const held = this.#hold(this.#connections, () => {
      socket.removeListener('error', endOnError);
      if (!socket.destroyed) pass();
    });
    if (held) socket.once('close', () => this.#connections.delete(held));
    else socket.destroy();
  }

  #asked(request: IncomingMessage, response: ServerResponse, pass: () => void): void {
    const { socket } = request;
    const more = this.#more.get(socket);
    if (more !== undefined) return this.#cameAlong(socket, more + 1);
    if (!this.#mustWait(request)) return pass();
    const held = this.#hold(this.#requests, () => {
      const cameAlong = this.#more.get(socket);
      this.#more.delete(socket);
      if (socket.destroyed) return;
      // What came along is not looked at: the answer to this one ends the connection.
      if (cameAlong) response.setHeader('connection', 'close');
      else socket.resume();
      pass();
    });
    this.#more.set(socket, 0);
    if (!held) return void socket.destroy();
    // Node reads on by itself once it has taken the request, in this turn of the event loop and the next tick.
    setImmediate(() => {
      if (this.#more.has(socket)) socket.pause();
    });
    response.once('close', () => this.#requests.delete(held));
  }

  #cameAlong(socket: Socket, more: number): void {
    this.#more.set(socket, more);
    this.#left = Math.max(-debtAtWorst, this.#left - 1);
    if (more >= mostAtOnce) socket.destroy();
  }

  #mustWait(request: IncomingMessage): boolean {
    const { authorization } = request.headers;
    if (!authorization?.startsWith('Bearer ') || !request.url?.startsWith('/v1/')) return false;
    return this.failures.mustWait({ credential: authorization.slice(7), address: this.clients.countedAddressOf(request) });
  }

  #hold(among: Set<Held>, letGo: () => void): Held | undefined {
    if (among.size >= mostHeld) return undefined;
    const held = { from: performance.now(), letGo };
    among.add(held);
    this.#timer ??= setInterval(() => this.#letSomeGo(), everyMs).unref();
    return held;
  }

  /** The first who came go first. */
  #letSomeGo(): void {
    this.#left = Math.min(turns, this.#left + turns);
    const until = performance.now() - holdMs;
    // Whoever waits with a request made room for another connection: it goes first.
    for (const among of [this.#requests, this.#connections]) this.#letGoOf(among, until);
    if (this.#requests.size + this.#connections.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#left = turns;
  }

  #letGoOf(among: Set<Held>, until: number): void {
    for (const held of among) {
      if (this.#left <= 0 || held.from > until) return;
      this.#left -= 1;
      among.delete(held);
      held.letGo();
    }
  }
}

function endOnError(this: Socket): void {
  this.destroy();
}
