import type { AppId, CallState, DeviceId, Forbiddable, HeldToken, MediaCredentials, UserAlias } from '@communication-center/contracts';
import { participantOf } from '@communication-center/contracts';
import { type MediaGrant, mediaCredentialKind } from '@communication-center/contracts/media-grant';
import { Identity, ProblemError, Report, type ReportError, Settings } from '@communication-center/service';
import { Inject, Injectable } from '@nestjs/common';
import { DirectoryReading } from '../follow-directory/user-settings.js';
import type { CallsSettings } from '../settings.js';

/** The device that asks, and by what its user is signed in. */
interface Asking {
  appId: AppId;
  userAlias: UserAlias;
  deviceId: DeviceId;
  token?: HeldToken | undefined;
}

/**
 * Gives a device in a call what it needs to open its media socket: a credential that says so, signed here, so that no reply
 * waits for the media service. Which node carries the call is told at the join.
 */
@Injectable()
export class MediaCredentialsOffice {
  constructor(
    private readonly identity: Identity,
    @Inject(Settings) private readonly settings: CallsSettings,
    @Inject(Report) private readonly report: ReportError,
    @Inject(DirectoryReading) private readonly directory: Pick<DirectoryReading, 'optionsOf'>,
  ) {}

  /** Reads what credentials will depend on, while the command that they come with is carried out. */
  prepare(appId: AppId): void {
    // Whoever needs it hears of the error.
    this.directory.optionsOf(appId).catch(() => undefined);
  }

  /**
   * @returns credentials of a device that is in the call.
   * @throws ProblemError `already_ended`, `not_a_participant`, or `forbidden` for a device that is not in it.
   */
  async issue(call: CallState, { appId, userAlias, deviceId, token: held }: Asking): Promise<MediaCredentials> {
    const participant = participantOf(call, userAlias);
    if (!participant) throw new ProblemError('not_a_participant');
    if (call.status === 'ended' || participant.state === 'gone') throw new ProblemError('already_ended');
    if (participant.state !== 'connected' || participant.deviceId !== deviceId) {
      throw new ProblemError('forbidden', 'Only the device that dialed or answered gets media credentials');
    }
    const { callId, sequence } = call;
    const by = held && { kid: held.kid, issuedAt: held.issuedAt };
    const forbidden = Object.keys(participant.forbidden ?? {}) as Forbiddable[];
    const grant: MediaGrant = {
      ...{ appId, callId, userAlias, deviceId, sequence },
      ...(by && { token: by }),
      rights: ['publish', 'subscribe'],
      ...(forbidden.length > 0 && { forbidden }),
      ...(await this.#streamsOf(appId, call)),
    };
    const expiresAt = new Date(Date.now() + this.settings.MEDIA_CREDENTIAL_SECONDS * 1000);
    const token = await this.identity.signCredential(mediaCredentialKind, { grant }, expiresAt);
    return { url: this.#door(), token, expiresAt: expiresAt.toISOString(), generation: 1, iceServers: this.settings.ICE_SERVERS };
  }

  /** As {@link issue}, but null where there are none to give: the command itself stands, and the device asks again. */
  async issueIfPossible(call: CallState, asking: Asking): Promise<MediaCredentials | null> {
    try {
      return await this.issue(call, asking);
    } catch (error) {
      this.report(error, 'giving media credentials');
      return null;
    }
  }

  /** How many pictures a call carries at a time, where that is not as by default. */
  async #streamsOf(appId: AppId, { callType }: CallState): Promise<Pick<MediaGrant, 'streams'>> {
    // Nobody ever consents to pictures in it.
    if (callType === 'audio_only') return { streams: { cameras: 0, screens: 0 } };
    const { maxCameras: cameras, maxScreens: screens } = await this.directory.optionsOf(appId);
    if (cameras === undefined && screens === undefined) return {};
    return { streams: { ...(cameras !== undefined && { cameras }), ...(screens !== undefined && { screens }) } };
  }

  /** By chance, so that who found a door shut and asks again is soon sent to another. */
  #door(): string {
    const doors = this.settings.MEDIA_PUBLIC_URL;
    return doors[Math.floor(Math.random() * doors.length)] as string;
  }
}
