import type { CallType, DeclineReason, MediaCredentials, Told, UserAlias } from '@communication-center/contracts';
import type { CallEnd, CallEvents, CallFrame, CallOffice, CallPhase } from './call-office.js';
import { Emitter } from './emitter.js';
import { MediaSession, type RemoteStream } from './media-session.js';
import { endOf, partOf, type ToldCall, type ToldParticipant, type ToldReply } from './told-call.js';

/** One call as this device sees it. It is the fold of the call's events; what it emits are differences of that fold. */
export class Call extends Emitter<CallEvents> {
  readonly #office: CallOffice;
  #state: ToldCall;
  #end: CallEnd | undefined;
  #media: MediaSession | undefined;
  #ignoredRing: string | undefined;
  #firstCredentials: MediaCredentials | undefined;

  constructor(office: CallOffice, state: ToldCall) {
    super();
    this.#office = office;
    this.#state = state;
    this.#end = this.#endFor(state);
  }

  get callId(): string {
    return this.#state.callId;
  }

  /** The call as the Center tells it to everyone. */
  get state(): ToldCall {
    return this.#state;
  }

  get callType(): Told<CallType> {
    return this.#state.callType;
  }

  /** Whether it rings although this user is in another call: decline it, or answer with `hangUpOther`. */
  get waiting(): boolean {
    return this.#me?.state === 'ringing' && this.#me.waiting === true;
  }

  /** Who waits for this user's consent to video. */
  get upgradeRequestedBy(): string | undefined {
    const { upgrade } = this.#state;
    const mine = upgrade?.requestedBy === this.#office.userAlias || upgrade?.accepted.includes(this.#office.userAlias);
    return mine ? undefined : upgrade?.requestedBy;
  }

  /** Names this ring: another one, after a decline or a miss, has another name. Undefined while it does not ring here. */
  get ringId(): string | undefined {
    return this.phase === 'ringing' && this.#me?.state === 'ringing' ? this.#me.since : undefined;
  }

  get direction(): 'incoming' | 'outgoing' {
    return this.#state.initiator === this.#office.userAlias ? 'outgoing' : 'incoming';
  }

  /** Everyone else in the call. */
  get others(): ToldParticipant[] {
    return this.#state.participants.filter(({ userAlias }) => userAlias !== this.#office.userAlias);
  }

  get phase(): CallPhase {
    if (this.#end) return 'ended';
    if (this.#me?.state === 'ringing') return 'ringing';
    return isUp(this.#state) ? 'connected' : 'dialing';
  }

  /** How it ended for this device; undefined while it goes on. */
  get end(): CallEnd | undefined {
    return this.#end;
  }

  get localStream(): MediaStream | undefined {
    return this.#media?.localStream;
  }

  get streams(): RemoteStream[] {
    return this.#media?.remoteStreams ?? [];
  }

  /**
   * Answers on this device.
   * @param options.hangUpOther leaves the call the user is in, in the same act.
   * @throws CenterError `already_answered`, `already_ended`, `already_in_call`.
   */
  async answer({ hangUpOther = false }: { hangUpOther?: boolean } = {}): Promise<void> {
    await this.#enter({ type: 'answer', ...(hangUpOther && { hangUpOther }) });
  }

  /** Comes (back) into a call that goes on. @throws CenterError `already_ended`, `already_in_call`, `forbidden` after a kick. */
  async join(): Promise<void> {
    await this.#enter({ type: 'join' });
  }

  async #enter(frame: CallFrame): Promise<void> {
    this.#prepareMedia();
    const reply = await this.#office.command(this, frame).catch((error: unknown) => {
      this.#stopMedia();
      throw error;
    });
    this.takeReply(reply);
  }

  /** Rings more people. @throws CenterError `all_callees_busy`, `too_many_participants`, `unknown_user`. */
  async add(callees: string[], options: { ringSeconds?: number } = {}): Promise<void> {
    this.takeReply(await this.#office.command(this, { type: 'add', callees: callees as UserAlias[], ...options }));
  }

  /** Rings people again who declined, missed the call or left it. */
  async ring(callees: string[], options: { ringSeconds?: number } = {}): Promise<void> {
    this.takeReply(await this.#office.command(this, { type: 'ring', callees: callees as UserAlias[], ...options }));
  }

  /** Puts somebody out. For the initiator. */
  async kick(userAlias: string): Promise<void> {
    this.takeReply(await this.#office.command(this, { type: 'kick', participant: userAlias as UserAlias }));
  }

  /** Asks everyone in an `audio_upgradable` call for video. */
  async requestUpgrade(): Promise<void> {
    this.takeReply(await this.#office.command(this, { type: 'request_upgrade' }));
  }

  async acceptUpgrade(): Promise<void> {
    this.takeReply(await this.#office.command(this, { type: 'accept_upgrade' }));
  }

  /** Refuses video, or takes the own wish back. */
  async refuseUpgrade(): Promise<void> {
    this.takeReply(await this.#office.command(this, { type: 'refuse_upgrade' }));
  }

  /** Declines on all devices of the user. */
  async decline({ reason = 'none' }: { reason?: DeclineReason } = {}): Promise<void> {
    this.takeReply(await this.#office.command(this, { type: 'decline', reason }));
  }

  /** Stops ringing on this device alone. */
  async ignore(): Promise<void> {
    this.#ignoredRing = this.ringId;
    this.takeReply(await this.#office.command(this, { type: 'ignore' }));
    this.#finish({ reason: 'cancelled', byDevice: this.#office.deviceId });
  }

  /** Ends this user's part: cancels while dialing, hangs up while connected. */
  async hangUp(): Promise<void> {
    this.takeReply(await this.#office.command(this, { type: 'hang_up' }));
  }

  /** Switches what this device sends on or off, without a new negotiation. */
  setSending(kind: 'audio' | 'video', on: boolean): void {
    for (const track of this.localStream?.getTracks() ?? []) if (track.kind === kind) track.enabled = on;
    this.emit('changed');
  }

  /** Tells the Center that this device rings, so that the caller may know. */
  async confirmRinging(): Promise<void> {
    await this.#office.command(this, { type: 'ringing' });
  }

  /** Opens camera and microphone while the other side still rings. */
  startDialing(reply: ToldReply): void {
    if (this.#end) return;
    this.#firstCredentials = reply.media ?? undefined;
    this.#prepareMedia();
    this.#followMedia();
  }

  takeReply(reply: ToldReply): void {
    if (reply.media) this.#firstCredentials = reply.media;
    this.update(reply.call);
    this.#followMedia();
  }

  /** Takes a newer state of the call, and tells what is different. */
  update(next: ToldCall): void {
    if (next.sequence > this.#state.sequence) this.#take(next);
  }

  /** Lets an event pass that this release does not know: what it means is in the state that {@link correct} brings. */
  pass(sequence: number): void {
    if (sequence > this.#state.sequence) this.#state = { ...this.#state, sequence };
  }

  /** Takes the Center's own reading in place of what this device folded. @returns whether it is as new as that. */
  correct(told: ToldCall): boolean {
    if (told.sequence < this.#state.sequence) return false;
    this.#take(told);
    return true;
  }

  /** The Center does not know this call any more. */
  lose(): void {
    this.#finish({ reason: 'error', byDevice: null });
  }

  #take(next: ToldCall): void {
    const before = this.#state;
    const phaseBefore = this.phase;
    this.#state = next;
    const end = this.#endFor(next);
    // Somebody who was out may be rung again, or come back.
    if (!end) this.#end = undefined;
    for (const participant of next.participants) this.#tellDifference(partOf(before, participant.userAlias), participant);
    this.#tellUpgrade(before, next);
    if (end) this.#finish(end);
    else if (this.phase === 'connected' && phaseBefore !== 'connected') this.emit('connected');
    this.#followMedia();
    this.emit('changed');
  }

  /** Stops using camera and microphone: the client is closing. */
  dispose(): void {
    this.#stopMedia();
  }

  get #me(): ToldParticipant | undefined {
    return partOf(this.#state, this.#office.userAlias);
  }

  #tellUpgrade(before: ToldCall, after: ToldCall): void {
    if (after.upgrade && !before.upgrade) this.emit('upgradeRequested', after.upgrade.requestedBy);
    if (after.callType !== before.callType) {
      this.emit('upgraded');
      this.#media?.addVideo();
    } else if (before.upgrade && !after.upgrade && after.status !== 'ended') this.emit('upgradeRefused');
  }

  #tellDifference(before: ToldParticipant | undefined, after: ToldParticipant): void {
    const { userAlias } = after;
    if (after.state === 'ringing' && before?.state !== 'ringing') this.emit('invited', userAlias);
    if (after.state === 'ringing' && after.confirmed && !(before?.state === 'ringing' && before.confirmed)) this.emit('ringing', userAlias);
    if (after.state === 'connected' && before?.state !== 'connected') this.emit('answered', userAlias);
    if (after.state !== 'gone' || before?.state === 'gone') return;
    if (before?.state === 'connected') this.emit('left', userAlias, after.reason);
    else if (after.declineReason) this.emit('declined', userAlias, after.reason, after.declineReason);
    else this.emit('declined', userAlias, after.reason);
  }

  /** Whether, and why, a state of the call means that it is over here. */
  #endFor(call: ToldCall): CallEnd | undefined {
    const end = endOf(call, this.#office.userAlias, this.#office.deviceId);
    if (end) return end;
    const me = partOf(call, this.#office.userAlias);
    const ignored = me?.state === 'ringing' && me.since === this.#ignoredRing;
    return ignored ? { reason: 'cancelled', byDevice: this.#office.deviceId } : undefined;
  }

  #finish(end: CallEnd): void {
    if (this.#end) return;
    this.#end = end;
    this.#stopMedia();
    this.emit('ended', end);
    this.emit('changed');
  }

  #prepareMedia(): void {
    if (!this.#office.usesMedia || this.#media) return;
    this.#media = new MediaSession({
      video: this.#state.callType === 'audio_video',
      credentials: async () => {
        const first = this.#firstCredentials;
        this.#firstCredentials = undefined;
        return first ?? this.#office.credentials(this.callId);
      },
      webSocket: this.#office.webSocket,
    });
    this.#media.on('localStream', (stream) => this.emit('localStream', stream));
    this.#media.on('streamAdded', (stream) => this.emit('streamAdded', stream));
    this.#media.on('streamRemoved', (stream) => this.emit('streamRemoved', stream));
    this.#media.on('error', (error) => this.emit('mediaError', error));
    this.#media.prepare();
  }

  /** Media runs on the one device that is in the call, from the first answer to the end. */
  #followMedia(): void {
    if (!this.#office.usesMedia || this.phase !== 'connected') return;
    this.#prepareMedia();
    this.#media?.start();
  }

  #stopMedia(): void {
    this.#media?.stop();
    this.#media = undefined;
  }
}

/** Of a status this release does not know, all that is sure is who is in the call. */
function isUp(call: ToldCall): boolean {
  if (call.status !== 'unknown') return call.status === 'connected';
  return call.participants.filter(({ state }) => state === 'connected').length >= 2;
}
