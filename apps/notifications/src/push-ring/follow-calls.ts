import { setTimeout as delay } from 'node:timers/promises';
import { type AppId, callLimits, readEvent } from '@communication-center/contracts';
import { EventLog, EventLogServer, Rest, Tail } from '@communication-center/event-log';
import { Report, type ReportError, tellFigure } from '@communication-center/service';
import { type BeforeApplicationShutdown, Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { KnownCredentials } from '../credentials/known-credentials.js';
import { PushRings } from './push-rings.js';

/** Rings begun before have ended, whatever became of them; a little more for clocks that differ. */
const ofInterestMs = (callLimits.ringSeconds.max + 10) * 1000;

/** Which devices ring already is waited for so long, in milliseconds, and no longer: rather a push too many than none. */
const forConfirmedMs = 5000;

/**
 * Follows the calls of apps that push, and which devices say that they ring: every replica hears all of it, so that none has to be missed for long before another takes over
 * (a group of consumers needs seconds for that). It begins where the longest ring may have begun, so that what was dialed while no
 * replica ran rings all the same, if there is time left and nobody has answered.
 */
@Injectable()
export class FollowCalls implements OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly #tails: Tail[];
  #again: Tail | undefined;

  constructor(
    log: EventLog,
    server: EventLogServer,
    private readonly known: KnownCredentials,
    rings: PushRings,
    @Inject(Report) private readonly report: ReportError,
  ) {
    const [rest, ringsRest] = [Rest.unless(() => known.isAnybodyThere), Rest.unless(() => known.isAnybodyThere)];
    known.onChange(() => {
      for (const one of [rest, ringsRest]) one.wake();
    });
    const confirmed = Promise.withResolvers<void>();
    const hears = (appId: string) => known.hasApp(appId as AppId);
    const following = (onCaughtUp: () => void, more: { rest?: Rest } = {}) =>
      new Tail({
        log,
        topic: 'calls.events',
        fromAgoMs: ofInterestMs,
        hears,
        onEvent: (event) => rings.take(readEvent('calls.events', event)),
        onCaughtUp,
        onError: report,
        ...more,
      });
    const calls = following(() => void Promise.race([confirmed.promise, delay(forConfirmedMs)]).then(() => rings.begin()), { rest });
    rings.onRoom(() => this.#readAgain(following));
    const confirming = new Tail({
      log,
      topic: 'rings.events',
      fromAgoMs: ofInterestMs,
      hears,
      onEvent: (event) => rings.takeConfirmed(readEvent('rings.events', event)),
      onCaughtUp: confirmed.resolve,
      rest: ringsRest,
      onError: report,
    });
    this.#tails = [calls, confirming];
    server.include('notifications.push-ring', calls);
    server.include('notifications.confirmed-rings', confirming);
    tellFigure('push_lanes', 'Apps and providers through which this replica pushes now', () => rings.figures.lanes);
    tellFigure('push_lanes_held_back', 'Those whose provider is held back for its failures', () => rings.figures.heldBack);
    tellFigure('push_rings_waiting', 'Rings and ends of rings that wait for the database', () => rings.figures.waiting);
    tellFigure('push_rings_left_out', 'Rings for which there was no room, and which were read again later', () => rings.figures.leftOut);
    tellFigure('push_lane_tasks', 'Pushes that wait in the lanes of this replica, or are being made', () => rings.figures.pushes);
  }

  onApplicationBootstrap(): void {
    // Where a server is away the service starts all the same, and follows once it is back.
    for (const tail of this.#tails) void this.#start(tail);
  }

  async #start(tail: Tail): Promise<void> {
    try {
      // Which apps push is known before calls are read.
      await this.known.look();
      await tail.start();
    } catch (error) {
      this.report(error, `following ${tail.following.topic}`);
      setTimeout(() => void this.#start(tail), 1000 + Math.random() * 1000).unref();
    }
  }

  /** Reads the last minutes again, beside what comes: what was taken before changes nothing. */
  #readAgain(following: (onCaughtUp: () => void) => Tail): void {
    if (this.#again) return;
    const again = following(() => {
      this.#again = undefined;
      void again.stop();
    });
    this.#again = again;
    void this.#start(again);
  }

  async beforeApplicationShutdown(): Promise<void> {
    await Promise.all([...this.#tails, ...(this.#again ? [this.#again] : [])].map((tail) => tail.stop()));
  }
}
