import {
  type AnyEvent,
  type AppId,
  farewellOf,
  type Presence,
  presenceLimits,
  readEvent,
  type ServerFrame,
  toldToUsers,
  type UserAlias,
} from '@communication-center/contracts';
import { internal } from '@communication-center/contracts/internal';
import { EventLog, EventLogServer, Rest, Tail } from '@communication-center/event-log';
import { type Endings, problemOf, Report, type ReportError } from '@communication-center/service';
import { Inject, Injectable } from '@nestjs/common';
import type { Door } from '../credential-ends.js';
import type { CommandFrame } from '../domain/frame-lanes.js';
import { Watches } from '../domain/watches.js';
import { Services } from '../services.js';
import type { DeviceSocket } from './device-socket.js';
import type { Device } from './socket-owner.js';
import { written } from './written-frames.js';

type WatchFrame = CommandFrame & { type: 'watch' | 'unwatch' };

/** A look that failed, as while the presence service is away, is made again after so long, and up to twice that, in milliseconds. */
const againMs = 1000;
/** Looks for one reason at most: after that the sockets connect anew, which asks as well. */
const mostLooks = 30;

/** As presence is told of, where much happens (the pace of `who-is-where`): asking more often would find nothing. */
const paceMs = 15;

/**
 * Sockets that follow other users' presence, as far as their users may see it. What a socket was told has a version, so nothing has to
 * be held back for it. Who may see whom is decided here, from what watches bring and changes tell; nothing is asked for it.
 */
@Injectable()
export class Watchers implements Door {
  readonly #watches = new Watches<DeviceSocket>();
  /** Where no socket watches anybody, nobody waits for changes. */
  readonly #rest = Rest.unless(() => !this.#watches.isEmpty, paceMs);
  readonly #tail: Tail;
  #stopped = false;

  constructor(
    log: EventLog,
    server: EventLogServer,
    private readonly services: Services,
    @Inject(Report) private readonly report: ReportError,
  ) {
    this.#tail = new Tail({
      log,
      topic: 'presence.events',
      concerns: ({ appid, concerned }) =>
        concerned.some((userAlias) => this.#watches.isConcernedBy(appid as AppId, userAlias as UserAlias)),
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
    this.#stopped = true;
    await this.#tail.stop();
  }

  /** From now on changes are told; the answer says where everybody is who is seen. Those of later versions may come before it. */
  async watch(socket: DeviceSocket, { appId, userAlias: watcher }: Device, { id, userAliases }: WatchFrame): Promise<ServerFrame> {
    // One that waited for its turn while its socket closed would be forgotten by nobody.
    if (!socket.isOpen) return { type: 'done', id };
    if (this.#watches.countWith(socket, userAliases) > presenceLimits.watchedBySocket) {
      const message = `A socket watches ${presenceLimits.watchedBySocket} users at most: unwatch some, or follow GET /v1/presence/stream`;
      return { type: 'error', id, error: { code: 'too_many_watched', message } };
    }
    const added = this.#watches.add(socket, { appId, userAlias: watcher }, userAliases);
    this.#rest.wake();
    try {
      const read = await this.#read(appId, [...new Set([...userAliases, watcher])]);
      const wanted = new Set(userAliases);
      const presences = this.#watches.seenBy(
        socket,
        read.filter(({ userAlias }) => wanted.has(userAlias)),
      );
      const known = new Set(presences.map(({ userAlias }) => userAlias));
      return { type: 'presences', id, presences, unknown: userAliases.filter((userAlias) => !known.has(userAlias)) };
    } catch (error) {
      // Those it watched before, it goes on watching.
      this.#watches.drop(socket, added);
      return { type: 'error', id, error: problemOf(error).toSocketError() };
    }
  }

  unwatch(socket: DeviceSocket, _device: Device, { id, userAliases }: WatchFrame): ServerFrame {
    this.#watches.drop(socket, userAliases);
    return { type: 'done', id };
  }

  /** The socket is gone. */
  forget(socket: DeviceSocket): void {
    this.#watches.forget(socket);
  }

  /** Tells a change of presence to whoever watches that user, and sees it. @throws for an event that is none, or is a newer release's. */
  tell(told: AnyEvent): void {
    const { appid, data: presence } = readEvent('presence.events', told);
    const seesOthers = this.#watches.noteGroups(appid, presence);
    const { seeing, missing } = this.#watches.toTell(appid, presence);
    tellAll(seeing, toldToUsers(presence));
    tellAll(missing, farewellOf(presence));
    if (seesOthers) void this.#lookAgain(appid, presence.userAlias);
  }

  /** Apps that chose anew who sees whom: watches that stand go on by that. */
  endedFor(endings: Endings): void {
    for (const [appId, visibility] of endings.visibilities) {
      this.#watches.noteRule(appId, visibility);
      if (this.#watches.watchedIn(appId).length > 0) void this.#lookAgain(appId);
    }
  }

  endedForAll(): void {
    // Every socket is closed, and its watches with it.
  }

  /** Looks whom sockets of an app, or of one of its users, see now. */
  async #lookAgain(appId: AppId, watcher?: UserAlias, looks = 1): Promise<void> {
    try {
      const watched = this.#watches.watchedIn(appId, watcher);
      const presences: Presence[] = [];
      for (let from = 0; from < watched.length; from += presenceLimits.batch)
        presences.push(...(await this.#read(appId, watched.slice(from, from + presenceLimits.batch))));
      for (const { socket, unseen, seen } of this.#watches.seenAnew(appId, presences, watcher)) {
        socket.sendWritten(written({ type: 'unseen', userAliases: unseen }));
        for (const presence of seen) socket.sendWritten(written({ type: 'presence', presence }));
      }
    } catch (error) {
      if (looks === 1) this.report(error, 'looking whom watches show');
      if (this.#stopped || looks >= mostLooks) return;
      setTimeout(() => void this.#lookAgain(appId, watcher, looks + 1), againMs * (1 + Math.random())).unref();
    }
  }

  /** Reads presences, and notes what comes with them of who may see whom. */
  async #read(appId: AppId, userAliases: readonly UserAlias[]): Promise<Presence[]> {
    const asking = { params: { appId }, body: { userAliases: [...userAliases] } };
    const { presences, visibility } = await this.services.presence.ask(internal.presenceOfSome, asking, { retryForMs: 2000 });
    this.#watches.noteRule(appId, visibility);
    for (const presence of presences) this.#watches.noteGroups(appId, presence);
    return presences;
  }
}

/** What many hear alike is written once. */
function tellAll(sockets: readonly DeviceSocket[], presence: Presence): void {
  if (sockets.length === 0) return;
  const frame = written({ type: 'presence', presence });
  for (const socket of sockets) socket.sendWritten(frame);
}
