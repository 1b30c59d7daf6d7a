import { type AnyEvent, readEvent } from '@communication-center/contracts';
import { EventLog, EventLogServer, InOrder, Tail } from '@communication-center/event-log';
import {
  Identity,
  logAlarms,
  Replicas,
  Report,
  type ReportError,
  repairFrom,
  resumeTrace,
  ServiceClient,
  Settings,
} from '@communication-center/service';
import { type BeforeApplicationShutdown, Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { MediaDoor } from '../media-sockets/media-door.js';
import type { MediaSettings } from '../settings.js';
import { asDeparture } from './departures.js';

/**
 * Ends the media of who left a call that goes on, above all of who was kicked: a client's good will is not asked. Every
 * replica follows the log, because only it knows its sockets.
 */
@Injectable()
export class PutOutWhoLeft implements OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly #tail: Tail;

  constructor(
    log: EventLog,
    server: EventLogServer,
    identity: Identity,
    private readonly door: MediaDoor,
    @Inject(Settings) settings: MediaSettings,
    @Inject(Report) report: ReportError,
  ) {
    const inOrder = new InOrder({
      topic: 'calls.events',
      repair: repairFrom(new ServiceClient(identity, 'calls', new Replicas(settings.CALLS_URL))),
      concerns: ({ subject }) => door.serves(subject),
      deliver: (event) => this.#putOut(event),
      // The departures among them are known all the same; who left in the gap is kept from joining again.
      giveUp: (events) => {
        for (const event of events) this.#putOut(event);
      },
      onGap: (gap) => logAlarms(report).onGap(gap, 'media.put-out-who-left'),
      onError: report,
    });
    this.#tail = new Tail({
      log,
      topic: 'calls.events',
      onEvent: (event) => resumeTrace([event], () => inOrder.take(event)),
      onError: report,
    });
    server.include('media.put-out-who-left', this.#tail);
  }

  async onApplicationBootstrap(): Promise<void> {
    await this.#tail.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.#tail.stop();
  }

  #putOut(event: AnyEvent): void {
    const departure = asDeparture(readEvent('calls.events', event));
    if (departure) this.door.putOut(departure);
  }
}
