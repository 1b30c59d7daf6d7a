import { EventLog, EventLogServer, Tail } from '@communication-center/event-log';
import { Report, type ReportError } from '@communication-center/service';
import { type BeforeApplicationShutdown, Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { MediaDoor } from '../media-sockets/media-door.js';
import { asDeparture } from './departures.js';

/**
 * Ends the media of who left a call that goes on, above all of who was kicked: a client's good will is not asked. Every
 * replica follows the log, because only it knows its sockets.
 */
@Injectable()
export class PutOutWhoLeft implements OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly #tail: Tail;

  constructor(log: EventLog, server: EventLogServer, door: MediaDoor, @Inject(Report) report: ReportError) {
    this.#tail = new Tail({
      log,
      topic: 'calls.events',
      onEvent: (event) => {
        const departure = asDeparture(event);
        if (departure) door.putOut(departure);
      },
      onError: report,
    });
    server.include('media.put-out-who-left', () => (this.#tail.following ? 'running' : 'stopped'));
  }

  async onApplicationBootstrap(): Promise<void> {
    await this.#tail.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.#tail.stop();
  }
}
