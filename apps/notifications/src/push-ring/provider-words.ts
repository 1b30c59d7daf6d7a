import { type LineLog, Log, Report, type ReportError } from '@communication-center/service';
import { Inject, Injectable } from '@nestjs/common';
import type { Lane } from '../channels/lanes.js';
import { CredentialStore } from '../credentials/credential-store.js';
import { RegistrationStore } from '../devices/registration-store.js';
import type { PushOutcome } from '../domain/push-outcome.js';
import { providerOf } from './carry-push.js';
import type { RingPush } from './ring-rows.js';

/** Puts down what providers say, beside the push itself: of a token that is dead, and of credentials that they do not take. */
@Injectable()
export class ProviderWords {
  constructor(
    private readonly credentials: CredentialStore,
    private readonly registrations: RegistrationStore,
    @Inject(Log) private readonly log: LineLog,
    @Inject(Report) private readonly report: ReportError,
  ) {}

  /** @param sentAt when it was asked. @param version of the credentials it was asked with. */
  heard(push: RingPush, lane: Lane, outcome: PushOutcome, { sentAt, version }: { sentAt: Date; version: string }): void {
    const { pushId, appId, callId, kind } = push;
    const said = 'reason' in outcome ? outcome.reason : undefined;
    const line = { pushId, appId, callId, kind, outcome: outcome.outcome, ...(said && { said }) };
    // What is taken is on record in its row: a line each would be one more thing for each of thousands.
    if (outcome.outcome === 'accepted') this.log.debug(line, 'pushed');
    else this.log.info(line, 'pushed');
    if (outcome.outcome === 'dead') this.#forget(push, outcome.since ?? sentAt, outcome.reason);
    this.#noteFault(push, lane, outcome, version);
  }

  #forget({ registrationId, appId, kind, target }: RingPush, since: Date, said: string): void {
    if (!target) return;
    this.registrations.removeDead(registrationId, target, since).then(
      (isGone) => this.log.info({ registrationId, appId, kind, isGone, said }, 'the provider calls a device dead'),
      (error: unknown) => this.report(error, 'forgetting a dead device'),
    );
  }

  #noteFault(push: RingPush, lane: Lane, outcome: PushOutcome, version: string): void {
    let { fault } = lane;
    if (outcome.outcome === 'refused' && outcome.isOfCredentials) fault = outcome.reason;
    if (outcome.outcome === 'accepted') fault = null;
    if (fault === lane.fault) return;
    lane.fault = fault;
    this.credentials
      .noteFault(push.appId, providerOf(push), version, fault)
      .catch((error: unknown) => this.report(error, 'noting a fault of credentials'));
  }
}
