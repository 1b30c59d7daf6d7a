import { type AnyEvent, type AppId, type CallEvent, readEvent, type UserAlias } from '@communication-center/contracts';
import { EventLog, EventLogServer, type Glimpse, InOrder, Rest, Tail } from '@communication-center/event-log';
import { logAlarms, Report, type ReportError, repairFrom, resumeTrace } from '@communication-center/service';
import { Inject, Injectable } from '@nestjs/common';
import { Services } from '../services.js';
import { type DeviceSocket } from './device-socket.js';
import { closeCodes } from './socket-owner.js';

/**
 * Above some seventy fetches a second they are made 15 ms apart: each is work for this gateway and for the brokers, and on a machine where
 * so much happens all is told sooner for less of it. What commands given here bring about is not waited for: it comes with their answers.
 */
const paceMs = 15;

/**
 * Brings each call event to the sockets of everyone it concerns, in order. What the topic lacks of a call is read from the
 * calls service first; where that takes too long, those concerned connect anew, and learn from a fresh snapshot.
 */
@Injectable()
export class SocketRouter {
  readonly #sockets = new Map<string, Set<DeviceSocket>>();
  readonly #rest = Rest.unless(() => this.#sockets.size > 0, paceMs);
  readonly #inOrder: InOrder;
  readonly #tail: Tail;

  constructor(
    log: EventLog,
    server: EventLogServer,
    services: Services,
    @Inject(Report) private readonly report: ReportError,
  ) {
    const inOrder = new InOrder({
      topic: 'calls.events',
      repair: repairFrom(services.calls),
      concerns: (event) => this.#socketsOf(event).length > 0,
      deliver: (event) => this.#route(event),
      giveUp: (events) => this.#sendAway(events),
      onGap: (gap) => logAlarms(report).onGap(gap, 'gateway.sockets'),
      onError: report,
    });
    this.#tail = new Tail({
      log,
      topic: 'calls.events',
      concerns: (glimpse) => !inOrder.has(glimpse) && this.#concerns(glimpse),
      onPassedOver: (glimpse) => inOrder.passOver(glimpse),
      onEvent: (event) => resumeTrace([event], () => inOrder.take(event)),
      rest: this.#rest,
      onError: report,
    });
    server.include('gateway.sockets', this.#tail);
    this.#inOrder = inOrder;
  }

  /** Resolves when no event from now on will be missed. */
  async start(): Promise<void> {
    await this.#tail.start();
  }

  async stop(): Promise<void> {
    await this.#tail.stop();
  }

  /** Tells those here whom they concern of events that are committed, and that the topic is yet to bring to everybody else. */
  hear(events: readonly AnyEvent[]): void {
    for (const event of events) {
      try {
        resumeTrace([event], () => this.#inOrder.takeEarly(event));
      } catch (error) {
        this.report(error, 'telling of an event before its turn');
      }
    }
  }

  register(appId: AppId, userAlias: UserAlias, socket: DeviceSocket): void {
    const key = `${appId}/${userAlias}`;
    const sockets = this.#sockets.get(key) ?? new Set();
    sockets.add(socket);
    this.#sockets.set(key, sockets);
    this.#rest.wake();
  }

  unregister(appId: AppId, userAlias: UserAlias, socket: DeviceSocket): void {
    const key = `${appId}/${userAlias}`;
    const sockets = this.#sockets.get(key);
    sockets?.delete(socket);
    if (sockets?.size === 0) this.#sockets.delete(key);
  }

  #concerns({ appid, concerned }: Glimpse): boolean {
    return concerned.some((userAlias) => this.#sockets.has(`${appid}/${userAlias}`));
  }

  #route(told: AnyEvent): void {
    const event = this.#parse(told);
    if (event) for (const socket of this.#socketsOf(event)) socket.deliver(event);
  }

  #sendAway(lost: readonly AnyEvent[]): void {
    const sockets = new Set(lost.flatMap((event) => this.#socketsOf(event)));
    for (const socket of sockets) socket.close(closeCodes.restarting, 'events were missed: connect anew');
  }

  #parse(told: AnyEvent): CallEvent | undefined {
    try {
      return readEvent('calls.events', told);
    } catch (error) {
      this.report(error, 'reading a call event');
      return undefined;
    }
  }

  /** @returns the sockets of everyone an event concerns. */
  #socketsOf({ appid, data }: AnyEvent): DeviceSocket[] {
    const { audience } = data as Partial<CallEvent['data']>;
    return audience?.flatMap((userAlias) => [...(this.#sockets.get(`${appid}/${userAlias}`) ?? [])]) ?? [];
  }
}
