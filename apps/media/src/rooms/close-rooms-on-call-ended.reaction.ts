import type { CallEvent } from '@communication-center/contracts';
import { type ReactionBatch, ReactToEvents } from '@communication-center/event-log';
import { Report, type ReportError } from '@communication-center/service';
import { Controller, Inject } from '@nestjs/common';
import { Rooms } from './rooms.js';

@Controller()
export class CloseRoomsOnCallEnded {
  constructor(
    private readonly rooms: Rooms,
    @Inject(Report) private readonly report: ReportError,
  ) {}

  @ReactToEvents('close-rooms', { topics: ['calls.events'] })
  async close({ events }: ReactionBatch<'calls.events'>): Promise<void> {
    const ended = events.filter(({ type }) => type === 'call.ended');
    const byApp: Map<CallEvent['appid'], CallEvent[]> = Map.groupBy(ended, (event) => event.appid);
    for (const [appId, calls] of byApp) {
      // A Janus that cannot be reached must not hold up the log: the row is closed, and the sweep destroys the room later.
      await this.rooms
        .close(
          appId,
          calls.map(({ callid }) => callid),
        )
        .catch((error: unknown) => {
          if (!(error instanceof Error && 'code' in error && error.code === 'media_unavailable')) throw error;
          this.report(error, 'destroying rooms');
        });
    }
  }
}
