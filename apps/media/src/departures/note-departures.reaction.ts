import { type ReactionBatch, ReactToEvents } from '@communication-center/event-log';
import { Controller } from '@nestjs/common';
import { asDeparture, Departures } from './departures.js';

@Controller()
export class NoteDepartures {
  constructor(private readonly departures: Departures) {}

  @ReactToEvents('note-departures', { topics: ['calls.events'] })
  async note({ events }: ReactionBatch<'calls.events'>): Promise<void> {
    await this.departures.note(events.flatMap((event) => asDeparture(event) ?? []));
  }
}
