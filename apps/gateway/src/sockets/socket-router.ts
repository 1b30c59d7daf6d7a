import { type AppId, type CallEvent, callEventSchema, type UserAlias } from '@communication-center/contracts';
import { EventLog, EventLogServer, Tail } from '@communication-center/event-log';
import { Report, type ReportError } from '@communication-center/service';
import { Inject, Injectable } from '@nestjs/common';
import type { DeviceSocket } from './device-socket.js';

/** Brings each call event to the sockets of everyone it concerns. */
@Injectable()
export class SocketRouter {
  readonly #sockets = new Map<string, Set<DeviceSocket>>();
  readonly #tail: Tail;

  constructor(
    log: EventLog,
    server: EventLogServer,
    @Inject(Report) private readonly report: ReportError,
  ) {
    this.#tail = new Tail({ log, topic: 'calls.events', onEvent: (event) => this.#route(event), onError: report });
    server.include('gateway.sockets', () => (this.#tail.following ? 'running' : 'stopped'));
  }

  /** Resolves when no event from now on will be missed. */
  async start(): Promise<void> {
    await this.#tail.start();
  }

  async stop(): Promise<void> {
    await this.#tail.stop();
  }

  register(appId: AppId, userAlias: UserAlias, socket: DeviceSocket): void {
    const key = `${appId}/${userAlias}`;
    const sockets = this.#sockets.get(key) ?? new Set();
    sockets.add(socket);
    this.#sockets.set(key, sockets);
  }

  unregister(appId: AppId, userAlias: UserAlias, socket: DeviceSocket): void {
    const key = `${appId}/${userAlias}`;
    const sockets = this.#sockets.get(key);
    sockets?.delete(socket);
    if (sockets?.size === 0) this.#sockets.delete(key);
  }

  #route(told: unknown): void {
    const parsed = callEventSchema.safeParse(told);
    if (!parsed.success) {
      this.report(parsed.error, 'reading a call event');
      return;
    }
    const event: CallEvent = parsed.data;
    for (const userAlias of event.data.audience) {
      for (const socket of this.#sockets.get(`${event.appid}/${userAlias}`) ?? []) socket.deliver(event);
    }
  }
}
