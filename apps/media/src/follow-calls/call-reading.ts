import type { Repair } from '@communication-center/event-log';
import { Identity, Replicas, repairFrom, ServiceClient, Settings } from '@communication-center/service';
import type { FactoryProvider } from '@nestjs/common';
import type { MediaSettings } from '../settings.js';

/** Injection token of what reads a call's events from the calls service. */
export const CallReading = Symbol('CallReading');

export const callReading: FactoryProvider<Repair> = {
  provide: CallReading,
  inject: [Identity, Settings],
  useFactory: (identity: Identity, { CALLS_URL }: MediaSettings) =>
    repairFrom(new ServiceClient(identity, 'calls', new Replicas(CALLS_URL))),
};
