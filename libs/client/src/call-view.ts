import type { CallType, Told } from '@communication-center/contracts';
import { CallMedia } from './call-media.js';
import type { CallEnd, CallEvents, CallOffice, CallPhase } from './call-office.js';
import type { Ban } from './center-error.js';
import { Emitter } from './emitter.js';
import type { DeviceSending, MediaKind } from './local-media.js';
import type { LinkState, Reach, RemoteStream } from './media-session.js';
import { bansOf, isUp, partOf, type ToldCall, type ToldParticipant } from './told-call.js';

/** What there is to read of a call. */
export abstract class CallView extends Emitter<CallEvents> {
  protected readonly office: CallOffice;
  protected readonly media: CallMedia;
  protected told: ToldCall;
  protected over: CallEnd | undefined;
  protected placed: boolean;

  protected constructor(office: CallOffice, state: ToldCall, placed: boolean) {
    super();
    this.office = office;
    this.told = state;
    this.placed = placed;
    this.media = new CallMedia(
      office,
      () => this.told,
      (event, ...args) => this.emit(event, ...args),
    );
  }

  /** Before the call {@link isPlaced}, an id that only this device knows. */
  get callId(): string {
    return this.told.callId;
  }

  /** Whether the Center has made a call of a dial; of every other call it has. */
  get isPlaced(): boolean {
    return this.placed;
  }

  /** The call as the Center tells it to everyone. */
  get state(): ToldCall {
    return this.told;
  }

  get callType(): Told<CallType> {
    return this.told.callType;
  }

  /** Whether it rings although this user is in another call: decline it, or answer with `hangUpOther`. */
  get waiting(): boolean {
    return this.me?.state === 'ringing' && this.me.waiting === true;
  }

  /** Who waits for this user's consent to video. */
  get upgradeRequestedBy(): string | undefined {
    const { upgrade } = this.told;
    const mine = upgrade?.requestedBy === this.office.userAlias || upgrade?.accepted.includes(this.office.userAlias);
    return mine ? undefined : upgrade?.requestedBy;
  }

  /** Names this ring: another one, after a decline or a miss, has another name. Undefined while it does not ring here. */
  get ringId(): string | undefined {
    return this.phase === 'ringing' && this.me?.state === 'ringing' ? this.me.since : undefined;
  }

  get direction(): 'incoming' | 'outgoing' {
    return this.told.initiator === this.office.userAlias ? 'outgoing' : 'incoming';
  }

  /** Everyone else in the call. */
  get others(): ToldParticipant[] {
    return this.told.participants.filter(({ userAlias }) => userAlias !== this.office.userAlias);
  }

  get phase(): CallPhase {
    if (this.over) return 'ended';
    if (this.me?.state === 'ringing') return 'ringing';
    return isUp(this.told) ? 'connected' : 'dialing';
  }

  /** How it ended for this device; undefined while it goes on. */
  get end(): CallEnd | undefined {
    return this.over;
  }

  /** Whether this user is in the call on another device: {@link join} moves it here. */
  get isElsewhere(): boolean {
    return this.me?.state === 'connected' && this.me.deviceId !== this.office.deviceId;
  }

  /** What this user may not send until a moderator allows it again, and who forbade it. */
  get forbidden(): Partial<Record<MediaKind, Ban>> {
    return bansOf(this.me);
  }

  /** Whether nobody more may be invited or come. */
  get isLocked(): boolean {
    return this.told.lock !== undefined;
  }

  /** The recording that is made of the call: since when, by whom, and whether it is paused. Undefined while none is. */
  get recording(): ToldCall['recording'] {
    return this.told.recording;
  }

  /** The broadcast of the call: since when, and by whom. Undefined while none is. */
  get broadcast(): ToldCall['broadcast'] {
    return this.told.broadcast;
  }

  /** Whether this user's hand is up. */
  get isHandRaised(): boolean {
    return this.me?.state === 'connected' && this.me.handRaised !== undefined;
  }

  get localStream(): MediaStream | undefined {
    return this.media.localStream;
  }

  /** The screen that this device shares; undefined while it shares none. */
  get screen(): MediaStream | undefined {
    return this.media.screen;
  }

  /** Whether a screen may be shared: in a call with video that is up, where no moderator has forbidden the user pictures. */
  get mayShareScreen(): boolean {
    return this.phase === 'connected' && this.callType === 'audio_video' && !this.forbidden.video && this.office.usesMedia;
  }

  get streams(): RemoteStream[] {
    return this.media.streams;
  }

  /** Who of the others speaks now, by what the Center hears, whoever began last first. */
  get speakers(): string[] {
    return this.media.speakers;
  }

  /** @returns how loud a stream of somebody else's is now, as it is played here, from 0 to 1, linear: to be asked as often as it is shown. 0 of one that is not there, is silent, or is not played. */
  audioLevelOf(streamId: string): number {
    return this.media.levelOf(streamId);
  }

  /** What this device is to send, and how it stands with that. */
  get sending(): Record<MediaKind, DeviceSending> {
    return this.media.sending;
  }

  /** How this device reaches the call: its media, or, where it has none to carry, the Center. */
  get link(): LinkState {
    return this.media.link;
  }

  /** @returns how somebody is reached who is connected in the call. */
  reachOf(userAlias: string): Reach {
    return this.media.reachOf(userAlias);
  }

  protected get me(): ToldParticipant | undefined {
    return partOf(this.told, this.office.userAlias);
  }
}
