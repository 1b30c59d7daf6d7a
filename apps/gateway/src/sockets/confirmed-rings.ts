import { type CallId, enveloped, type RingConfirmed } from '@communication-center/contracts';
import { EventLog, FleetingFacts } from '@communication-center/event-log';
import { Report, type ReportError, tellFigure } from '@communication-center/service';
import { type BeforeApplicationShutdown, Inject, Injectable } from '@nestjs/common';
import { v7 as uuidv7 } from 'uuid';
import type { Device } from './socket-owner.js';

/** A device that rings, in a call of which it has heard so much. */
export interface RingingDevice extends Pick<Device, 'appId' | 'userAlias' | 'deviceId'> {
  callId: CallId;
  sequence: number;
  through: RingConfirmed['data']['through'];
}

/**
 * Tells which devices ring, each for itself, so that those that say nothing can be pushed to. The call itself is told of the first one of
 * each user alone. A fact that is lost makes a push that was not needed: the device drops it, since it knows the call.
 */
@Injectable()
export class ConfirmedRings implements BeforeApplicationShutdown {
  readonly #facts: FleetingFacts;

  constructor(log: EventLog, @Inject(Report) report: ReportError) {
    this.#facts = new FleetingFacts({ log, topic: 'rings.events', onError: report });
    tellFigure('untold_rings', 'Devices of which this process could not tell that they ring', () => this.#facts.lost);
  }

  confirm({ appId, callId, userAlias, deviceId, sequence, through }: RingingDevice): void {
    const origin = { id: uuidv7(), source: '/gateway', at: new Date(), subject: callId, appId, sequence };
    this.#facts.tell(callId, enveloped({ type: 'ring.confirmed', data: { callId, userAlias, deviceId, through } }, origin));
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.#facts.stop();
  }
}
