import { type RingGrant, ringTokenKind } from '@communication-center/contracts/ring-token';
import { Identity } from '@communication-center/service';
import { Injectable } from '@nestjs/common';
import type { RingPush } from './ring-rows.js';

/** Makes what a device that is pushed to takes part in its ring with, however long ago its user's token expired. */
@Injectable()
export class RingTokens {
  constructor(private readonly identity: Identity) {}

  /** @returns a token that is good until the ring's deadline, and no longer than what its user may: it counts as issued when the device registered. */
  async of({ appId, callId, userAlias, deviceId, ringSequence, registeredAt, deadline }: RingPush): Promise<string> {
    const ring: RingGrant = { appId, callId, userAlias, deviceId, sequence: ringSequence, registeredAt: registeredAt ?? 0 };
    return this.identity.signCredential(ringTokenKind, { ring }, deadline);
  }
}
