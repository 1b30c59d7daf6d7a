import type { ClientFrameInput, UserAlias } from '@communication-center/contracts';
import type { CallFrame } from './call-office.js';
import { CallView } from './call-view.js';
import type { MediaKind } from './local-media.js';

type Media = (ClientFrameInput & { type: 'mute' })['media'];

/** What people do in a call to each other: ask more in, put somebody out, keep order, ask for video. */
export abstract class CallActs extends CallView {
  protected abstract act(frame: CallFrame): Promise<void>;

  /** Rings more people. @throws CenterError `all_callees_busy`, `too_many_participants`, `unknown_user`, `call_locked`. */
  async add(callees: string[], options: { ringSeconds?: number } = {}): Promise<void> {
    await this.act({ type: 'add', callees: callees as UserAlias[], ...options });
  }

  /** Rings people again who declined, missed the call or left it. */
  async ring(callees: string[], options: { ringSeconds?: number } = {}): Promise<void> {
    await this.act({ type: 'ring', callees: callees as UserAlias[], ...options });
  }

  /** Puts somebody out. For the initiator. */
  async kick(userAlias: string): Promise<void> {
    await this.act({ type: 'kick', participant: userAlias as UserAlias });
  }

  /**
   * Forbids somebody to send sound, or picture, wherever they join: until it is allowed again it does not come through, whatever
   * their device does. For the initiator.
   * @throws CenterError `forbidden`, `not_a_participant`, `already_ended`.
   */
  async muteParticipant(userAlias: string, what: Partial<Record<MediaKind, boolean>> = { audio: true }): Promise<void> {
    await this.#moderate('mute', userAlias, what);
  }

  /** Allows somebody to send again; they switch on what they send themselves. For the initiator. @throws CenterError as {@link muteParticipant}. */
  async allowParticipant(userAlias: string, what: Partial<Record<MediaKind, boolean>> = { audio: true }): Promise<void> {
    await this.#moderate('allow', userAlias, what);
  }

  /** Forbids everyone else who is in the call, or is rung, to send. For the initiator. */
  async muteAll(what: Partial<Record<MediaKind, boolean>> = { audio: true }): Promise<void> {
    const media = mediaOf(what);
    if (media.length > 0) await this.act({ type: 'mute_all', media });
  }

  /** Lets nobody more be invited or come, but who was in the call since then. For the initiator. */
  async lock(): Promise<void> {
    await this.act({ type: 'lock' });
  }

  async unlock(): Promise<void> {
    await this.act({ type: 'unlock' });
  }

  /** Asks for the word. */
  async raiseHand(): Promise<void> {
    await this.act({ type: 'raise_hand' });
  }

  /** Lowers the own hand, or, as the initiator, somebody's. */
  async lowerHand(userAlias?: string): Promise<void> {
    await this.act({ type: 'lower_hand', ...(userAlias !== undefined && { participant: userAlias as UserAlias }) });
  }

  /**
   * Has the call recorded from now on; everyone in it sees so. For the initiator, where the app lets users record.
   * @throws CenterError `forbidden`, `already_ended`, `service_unavailable`.
   */
  async startRecording(): Promise<void> {
    await this.act({ type: 'start_recording' });
  }

  /** Has nothing recorded until {@link resumeRecording}. For the initiator. */
  async pauseRecording(): Promise<void> {
    await this.act({ type: 'pause_recording' });
  }

  async resumeRecording(): Promise<void> {
    await this.act({ type: 'resume_recording' });
  }

  /** Ends the recording; the end of the call ends it too. For the initiator. */
  async stopRecording(): Promise<void> {
    await this.act({ type: 'stop_recording' });
  }

  /**
   * Has the call broadcast to people who are not in it; everyone in it sees so. For the initiator, where the app lets users broadcast.
   * @throws CenterError `forbidden`, `already_ended`, `service_unavailable`.
   */
  async startBroadcast(): Promise<void> {
    await this.act({ type: 'start_broadcast' });
  }

  /** Ends the broadcast; the end of the call ends it too. For the initiator. */
  async stopBroadcast(): Promise<void> {
    await this.act({ type: 'stop_broadcast' });
  }

  /** Asks everyone in an `audio_upgradable` call for video. */
  async requestUpgrade(): Promise<void> {
    await this.act({ type: 'request_upgrade' });
  }

  async acceptUpgrade(): Promise<void> {
    await this.act({ type: 'accept_upgrade' });
  }

  /** Refuses video, or takes the own wish back. */
  async refuseUpgrade(): Promise<void> {
    await this.act({ type: 'refuse_upgrade' });
  }

  async #moderate(type: 'mute' | 'allow', userAlias: string, what: Partial<Record<MediaKind, boolean>>): Promise<void> {
    const media = mediaOf(what);
    if (media.length > 0) await this.act({ type, participant: userAlias as UserAlias, media });
  }
}

function mediaOf(what: Partial<Record<MediaKind, boolean>>): NonNullable<Media> {
  return (['audio', 'video'] as const).filter((kind) => what[kind]);
}
