import type { AppId, CallState, DeviceId, MediaCredentials, UserAlias } from '@communication-center/contracts';
import { participantOf } from '@communication-center/contracts';
import { internal } from '@communication-center/contracts/internal';
import { Identity, ProblemError, Replicas, Report, type ReportError, ServiceClient, Settings } from '@communication-center/service';
import { Inject, Injectable } from '@nestjs/common';
import type { CallsSettings } from '../settings.js';

/** Gets a device in a call what it needs to open its media socket. */
@Injectable()
export class MediaCredentialsOffice {
  readonly #client: ServiceClient;

  constructor(
    identity: Identity,
    @Inject(Settings) settings: CallsSettings,
    @Inject(Report) private readonly report: ReportError,
  ) {
    this.#client = new ServiceClient(identity, 'media', new Replicas(settings.MEDIA_URL));
  }

  /**
   * @returns credentials of a device that is in the call.
   * @throws ProblemError `already_ended`, `not_a_participant`, or `forbidden` for a device that is not in it.
   */
  async issue(appId: AppId, call: CallState, userAlias: UserAlias, deviceId: DeviceId): Promise<MediaCredentials> {
    const participant = participantOf(call, userAlias);
    if (!participant) throw new ProblemError('not_a_participant');
    if (call.status === 'ended' || participant.state === 'gone') throw new ProblemError('already_ended');
    if (participant.state !== 'connected' || participant.deviceId !== deviceId) {
      throw new ProblemError('forbidden', 'Only the device that dialed or answered gets media credentials');
    }
    const body = { appId, callId: call.callId, sequence: call.sequence, userAlias, deviceId };
    return this.#client.ask(internal.mediaCredentials, { body }, { timeoutMs: 2000 });
  }

  /** As {@link issue}, but null where media cannot serve now: the answer itself stands, and the device asks again. */
  async issueIfPossible(appId: AppId, call: CallState, userAlias: UserAlias, deviceId: DeviceId): Promise<MediaCredentials | null> {
    try {
      return await this.issue(appId, call, userAlias, deviceId);
    } catch (error) {
      this.report(error, 'getting media credentials');
      return null;
    }
  }
}
