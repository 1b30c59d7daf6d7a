import {
  type AnyEvent,
  type AppId,
  type Presence,
  presenceLimits,
  readEvent,
  type ServerFrame,
  type UserAlias,
} from '@communication-center/contracts';
import { internal } from '@communication-center/contracts/internal';
import { EventLog, EventLogServer, Rest, Tail } from '@communication-center/event-log';
import { problemOf, Report, type ReportError } from '@communication-center/service';
import { Inject, Injectable } from '@nestjs/common';
import { Services } from '../services.js';
import type { CommandFrame, Device, DeviceSocket } from './device-socket.js';
import { written } from './written-frames.js';

type WatchFrame = CommandFrame & { type: 'watch' | 'unwatch' };

/** Sockets that follow other users' presence. What a socket was told has a version, so nothing has to be held back for it. */
@Injectable()
export class Watchers {
  readonly #byUser = new Map<string, Set<DeviceSocket>>();
  readonly #bySocket = new Map<DeviceSocket, Set<string>>();
  /** Where no socket watches anybody, nobody waits for changes. */
  readonly #rest = Rest.unless(() => this.#byUser.size > 0);
  readonly #tail: Tail;

  constructor(
    log: EventLog,
    server: EventLogServer,
    private readonly services: Services,
    @Inject(Report) report: ReportError,
  ) {
    this.#tail = new Tail({
      log,
      topic: 'presence.events',
      concerns: ({ appid, concerned }) => concerned.some((userAlias) => this.#byUser.has(`${appid}/${userAlias}`)),
      onEvent: (event) => this.tell(event),
      rest: this.#rest,
      onError: report,
    });
    server.include('gateway.watchers', this.#tail);
  }

  async start(): Promise<void> {
    await this.#tail.start();
  }

  async stop(): Promise<void> {
    await this.#tail.stop();
  }

  /** From now on changes are told; the answer says where everybody is. Those of later versions may come before it. */
  async watch(socket: DeviceSocket, { appId }: Device, { id, userAliases }: WatchFrame): Promise<ServerFrame> {
    // One that waited for its turn while its socket closed would be forgotten by nobody.
    if (!socket.isOpen) return { type: 'done', id };
    const watched = this.#bySocket.get(socket) ?? new Set();
    const wanted = userAliases.map((userAlias) => nameOf(appId, userAlias));
    const added = wanted.filter((name) => !watched.has(name));
    if (new Set([...watched, ...wanted]).size > presenceLimits.watchedBySocket) {
      const message = `A socket watches ${presenceLimits.watchedBySocket} users at most: unwatch some, or follow GET /v1/presence/stream`;
      return { type: 'error', id, error: { code: 'too_many_watched', message } };
    }
    this.#bySocket.set(socket, watched);
    for (const name of wanted) {
      watched.add(name);
      this.#byUser.set(name, (this.#byUser.get(name) ?? new Set()).add(socket));
    }
    this.#rest.wake();
    try {
      const presences = await this.#read(appId, userAliases);
      const known = new Set(presences.map(({ userAlias }) => userAlias));
      return { type: 'presences', id, presences, unknown: userAliases.filter((userAlias) => !known.has(userAlias)) };
    } catch (error) {
      // Those it watched before, it goes on watching.
      this.#drop(socket, added);
      return { type: 'error', id, error: problemOf(error).toSocketError() };
    }
  }

  unwatch(socket: DeviceSocket, { appId }: Device, { id, userAliases }: WatchFrame): ServerFrame {
    this.#drop(
      socket,
      userAliases.map((userAlias) => nameOf(appId, userAlias)),
    );
    return { type: 'done', id };
  }

  /** The socket is gone. */
  forget(socket: DeviceSocket): void {
    this.#drop(socket, [...(this.#bySocket.get(socket) ?? [])]);
  }

  /** Tells a change of presence to whoever watches that user. @throws for an event that is none, or is a newer release's. */
  tell(told: AnyEvent): void {
    const { appid, data: presence } = readEvent('presence.events', told);
    const watching = this.#byUser.get(nameOf(appid, presence.userAlias));
    if (!watching) return;
    const frame = written({ type: 'presence', presence });
    for (const socket of watching) socket.sendWritten(frame);
  }

  #drop(socket: DeviceSocket, names: readonly string[]): void {
    const watched = this.#bySocket.get(socket);
    for (const name of names) {
      watched?.delete(name);
      const sockets = this.#byUser.get(name);
      sockets?.delete(socket);
      if (sockets?.size === 0) this.#byUser.delete(name);
    }
    if (watched?.size === 0) this.#bySocket.delete(socket);
  }

  async #read(appId: AppId, userAliases: readonly UserAlias[]): Promise<Presence[]> {
    const asking = { params: { appId }, body: { userAliases: [...userAliases] } };
    return (await this.services.presence.ask(internal.presenceOfSome, asking, { retryForMs: 2000 })).presences;
  }
}

function nameOf(appId: AppId, userAlias: UserAlias): string {
  return `${appId}/${userAlias}`;
}
