import { callLimits, readEvent } from '@communication-center/contracts';
import { EventLog, EventLogServer, Rest, Tail } from '@communication-center/event-log';
import { Report, type ReportError, tellFigure } from '@communication-center/service';
import { type BeforeApplicationShutdown, Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { KnownCredentials } from '../credentials/known-credentials.js';
import { PushRings } from './push-rings.js';

/** Rings begun before have ended, whatever became of them; a little more for clocks that differ. */
const ofInterestMs = (callLimits.ringSeconds.max + 10) * 1000;

/**
 * Follows the calls of apps that push: every replica hears all of it, so that none has to be missed for long before another takes over
 * (a group of consumers needs seconds for that). It begins where the longest ring may have begun, so that what was dialed while no
 * replica ran rings all the same, if there is time left and nobody has answered.
 */
@Injectable()
export class FollowCalls implements OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly #tail: Tail;

  constructor(
    log: EventLog,
    server: EventLogServer,
    private readonly known: KnownCredentials,
    rings: PushRings,
    @Inject(Report) private readonly report: ReportError,
  ) {
    const rest = Rest.unless(() => known.isAnybodyThere);
    known.onChange(() => rest.wake());
    this.#tail = new Tail({
      log,
      topic: 'calls.events',
      fromAgoMs: ofInterestMs,
      concerns: ({ appid }) => known.hasApp(appid as Parameters<typeof known.hasApp>[0]),
      onEvent: (event) => rings.take(readEvent('calls.events', event)),
      onCaughtUp: () => rings.begin(),
      rest,
      onError: report,
    });
    server.include('notifications.push-ring', this.#tail);
    tellFigure('push_lanes', 'Apps and providers through which this replica pushes now', () => rings.figures.lanes);
    tellFigure('push_lanes_held_back', 'Those whose provider is held back for its failures', () => rings.figures.heldBack);
    tellFigure('push_lane_tasks', 'Pushes that wait in the lanes of this replica, or are being made', () => rings.figures.pushes);
  }

  onApplicationBootstrap(): void {
    // Where a server is away the service starts all the same, and follows once it is back.
    void this.#start();
  }

  async #start(): Promise<void> {
    try {
      // Which apps push is known before calls are read.
      await this.known.look();
      await this.#tail.start();
    } catch (error) {
      this.report(error, 'following calls');
      setTimeout(() => void this.#start(), 1000 + Math.random() * 1000).unref();
    }
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.#tail.stop();
  }
}
