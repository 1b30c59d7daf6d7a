import type { MediaGrant } from '@communication-center/contracts/media-grant';
import type { Repair } from '@communication-center/event-log';
import { ProblemError } from '@communication-center/service';
import { Inject, Injectable } from '@nestjs/common';
import type { Bans } from './bans.js';
import { CallReading } from './call-reading.js';
import { happeningOf } from './happenings.js';
import { KnownCalls } from './known-calls.js';

/** Beyond any event's sequence. */
const endless = 2_147_483_647;

/** Says whether a grant still holds: its call has not ended, and its bearer has not left since it was given. */
@Injectable()
export class Admission {
  constructor(
    private readonly known: KnownCalls,
    @Inject(CallReading) private readonly eventsOfCall: Repair,
  ) {}

  /**
   * Judges by what this process heard. Of a call it heard too little of, as after it was started, the calls service is asked; and of any
   * call but one that is known to be over for the bearer, while not all that has happened was heard.
   * @throws ProblemError `room_closed`, or `service_unavailable` when what must be asked cannot be.
   */
  async require(grant: MediaGrant, { isAllHeard }: { isAllHeard: boolean }): Promise<void> {
    const { callId, sequence } = grant;
    const standing = this.known.standingOf(grant);
    if (standing === 'unknown' || (standing === 'in' && !isAllHeard)) {
      const events = await this.eventsOfCall(callId, sequence, endless);
      this.known.noteAll(callId, sequence, events.map(happeningOf));
    }
    this.requireStill(grant);
  }

  /** @returns what the bearer of a grant that holds may not send, by what this process heard by now. */
  bansOf(grant: MediaGrant): Bans {
    return this.known.bansOf(grant);
  }

  /** Whether the call of a grant is over, by what this process heard by now. */
  hasEnded(grant: MediaGrant): boolean {
    return this.known.standingOf(grant) === 'ended';
  }

  /** Judges by what this process heard by now. @throws ProblemError as {@link require}. */
  requireStill(grant: MediaGrant): void {
    const standing = this.known.standingOf(grant);
    switch (standing) {
      case 'in':
        return;
      case 'left':
        throw new ProblemError('room_closed', 'You have left this call');
      case 'ended':
        throw new ProblemError('room_closed', 'This call has ended');
      case 'unknown':
        throw new ProblemError('service_unavailable');
      default:
        return standing satisfies never;
    }
  }
}
