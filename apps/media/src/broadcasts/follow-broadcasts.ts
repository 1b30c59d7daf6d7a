import { type AnyEvent, type CallEvent, readEvent } from '@communication-center/contracts';
import { OutboxRelay } from '@communication-center/event-log';
import { Postgres, Report, type ReportError } from '@communication-center/service';
import { Inject, Injectable } from '@nestjs/common';
import { tellOf } from './broadcast-events.js';
import { noteBegun, noteUnwanted } from './broadcast-rows.js';
import { CarryOutBroadcasts } from './carry-out-broadcasts.js';

/** What calls say of broadcasts: whoever reads for these passes over the rest. */
export const typesOfBroadcasts = ['call.broadcast_started', 'call.broadcast_stopped'] as const;

type OfBroadcast = CallEvent & { type: (typeof typesOfBroadcasts)[number] };

const isOfBroadcast = (event: { type: string }): event is OfBroadcast => typesOfBroadcasts.some((type) => type === event.type);

/**
 * Notes what the calls service decides about broadcasts. A replica with media sockets of a call hears it at once, on the log that it follows for them;
 * what nobody heard so is noted by the consumer that reads everything for recordings, which finds most of it done.
 */
@Injectable()
export class FollowBroadcasts {
  readonly #database;

  constructor(
    database: Postgres,
    private readonly maker: CarryOutBroadcasts,
    private readonly relay: OutboxRelay,
    @Inject(Report) private readonly report: ReportError,
  ) {
    this.#database = database.of('consumers');
  }

  /** Notes what some events say. */
  async note(events: readonly CallEvent[]): Promise<void> {
    const some = events.filter(isOfBroadcast);
    for (const event of some) await this.#noteOne(event);
    if (some.length > 0) this.maker.wake();
  }

  /** Notes at once what an event says; where that fails, the consumer does. */
  hear(event: AnyEvent): void {
    if (!isOfBroadcast(event)) return;
    const note = async () => this.note([readEvent('calls.events', event)]);
    note().catch((error: unknown) => this.report(error, 'noting a broadcast'));
  }

  async #noteOne({ type, appid: appId, callid: callId, time: at, data: { broadcastId } }: OfBroadcast): Promise<void> {
    const heard = { broadcastId, callId, appId, at };
    if (type === 'call.broadcast_stopped') return noteUnwanted(this.#database, heard);
    const written = await this.#database.transaction(async (tx) => {
      const begun = await noteBegun(tx, heard);
      return begun ? tellOf(tx, 'broadcast.starting', begun) : [];
    });
    this.relay.committed(written);
  }
}
