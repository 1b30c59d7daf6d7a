import type { AnyEvent, CallId } from '@communication-center/contracts';
import { EventLog, EventLogServer, InOrder, type Repair, Tail } from '@communication-center/event-log';
import { logAlarms, Report, type ReportError, resumeTrace } from '@communication-center/service';
import { type BeforeApplicationShutdown, Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { MediaDoor } from '../media-sockets/media-door.js';
import { TellQuality } from '../quality/tell-quality.js';
import { FollowRecordings } from '../recordings/follow-recordings.js';
import { EndRooms } from '../rooms/end-rooms.js';
import { CallReading } from './call-reading.js';
import { happeningOf, meansMuch } from './happenings.js';
import { KnownCalls } from './known-calls.js';

const name = 'media.follow-calls';

/**
 * Ends the media of calls that end, and of who left one that goes on, above all of who was kicked, and stops what a moderator forbade: a
 * client's good will is not asked. Every replica follows the log, because only it knows its sockets; of other calls it only remembers that.
 */
@Injectable()
export class FollowCalls implements OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly #tail: Tail;

  constructor(
    log: EventLog,
    server: EventLogServer,
    private readonly known: KnownCalls,
    private readonly door: MediaDoor,
    private readonly rooms: EndRooms,
    private readonly quality: TellQuality,
    private readonly recordings: FollowRecordings,
    @Inject(CallReading) repair: Repair,
    @Inject(Report) report: ReportError,
  ) {
    const inOrder = new InOrder({
      topic: 'calls.events',
      repair,
      concerns: ({ subject }) => door.serves(subject),
      deliver: (event) => this.#take(event),
      // What happened in them is known all the same; who left in the gap is kept from joining again.
      giveUp: (events) => {
        for (const event of events) this.#take(event);
      },
      onGap: (gap) => logAlarms(report).onGap(gap, name),
      onError: report,
    });
    this.#tail = new Tail({
      log,
      topic: 'calls.events',
      // Of a call that nobody is in here, most events say no more than that they were there.
      concerns: ({ subject, type }) => type === undefined || meansMuch(type) || FollowRecordings.heeds(type) || door.serves(subject),
      onPassedOver: (place) => {
        inOrder.passOver(place);
        known.note({ callId: place.subject as CallId, sequence: place.sequence });
      },
      onEvent: (event) => (door.serves(event.subject) ? resumeTrace([event], () => inOrder.take(event)) : inOrder.take(event)),
      rest: door.rest,
      onError: report,
    });
    server.include(name, this.#tail);
  }

  async onApplicationBootstrap(): Promise<void> {
    await this.#tail.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.#tail.stop();
  }

  #take(event: AnyEvent): void {
    const happening = happeningOf(event);
    this.recordings.hear(event);
    this.known.note(happening);
    if (happening.left) this.door.putOut(happening.callId, happening.left, happening.sequence);
    if (happening.moderated) this.door.moderate(happening.callId, happening.moderated, happening.sequence);
    if (!happening.ended) return;
    this.door.endCall(happening.callId);
    this.rooms.end(happening.callId);
    this.quality.end(happening.callId);
  }
}
