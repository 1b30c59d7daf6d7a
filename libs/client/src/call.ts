import type { DeclineReason } from '@communication-center/contracts';
import { CallActs } from './call-acts.js';
import { tellDifferences } from './call-differences.js';
import type { CallEnd, CallFrame, CallOffice } from './call-office.js';
import { CenterError, MediaForbiddenError } from './center-error.js';
import { isOvertaken, Leaving } from './leaving.js';
import type { MediaKind, Wishes } from './local-media.js';
import { endOf, partOf, type ToldCall, type ToldReply } from './told-call.js';

/** One call as this device sees it. It is the fold of the call's events; what it emits are differences of that fold. */
export class Call extends CallActs {
  readonly #leaving: Leaving;
  #ignoredRing: string | undefined;
  #declined: { ringId: string; end: CallEnd } | undefined;
  #isReplaced = false;

  /** @param cancel of a dial that the Center has made no call of yet: takes it back. */
  constructor(office: CallOffice, state: ToldCall, cancel?: () => void) {
    super(office, state, cancel === undefined);
    this.#leaving = new Leaving(async () => this.takeReply(await office.command(this, { type: 'hang_up' }, 'leaving')), cancel);
    this.over = this.#endFor(state);
    this.media.obey();
  }

  /**
   * Answers on this device.
   * @param options.hangUpOther leaves the call the user is in, in the same act.
   * @param options.sending what is sent from the first moment; what is left out stays as it was wished.
   * @throws CenterError `already_answered`, `already_ended`, `already_in_call`.
   */
  async answer({ hangUpOther = false, sending = {} }: { hangUpOther?: boolean; sending?: Partial<Wishes> } = {}): Promise<void> {
    this.media.wish(sending);
    // The user may be asked for the devices meanwhile; what no longer rings opens none.
    if (this.phase === 'ringing') this.media.prepare();
    await this.#enter({ type: 'answer', ...(hangUpOther && { hangUpOther }) });
  }

  /**
   * Comes (back) into a call that goes on, or moves it here from the user's other device.
   * @throws CenterError `already_ended`, `already_in_call`, `forbidden` after a kick.
   */
  async join({ sending = {} }: { sending?: Partial<Wishes> } = {}): Promise<void> {
    this.media.wish(sending);
    await this.#enter({ type: 'join' });
  }

  async #enter(frame: CallFrame): Promise<void> {
    const replied = this.office.command(this, frame);
    // The event that tells of it may come before the reply, and has media begin.
    this.media.expect(replied.then(({ media }) => (this.over ? undefined : (media ?? undefined))));
    const { media: _, ...reply } = await replied.catch((error: unknown) => {
      this.media.stop();
      this.#followMedia();
      throw error;
    });
    this.takeReply(reply);
  }

  /**
   * Declines on all devices of the user. It is over here when this returns; the promise waits until the Center has heard. Where another
   * device was quicker, `end` says so afterwards.
   * @throws CenterError of the Center where it refuses: then it goes on ringing. `service_unavailable` when it could not be told for two minutes.
   */
  async decline({ reason = 'none' }: { reason?: DeclineReason } = {}): Promise<void> {
    const { ringId } = this;
    if (ringId === undefined) return this.act({ type: 'decline', reason });
    this.#declined = { ringId, end: { reason: 'declined', byDevice: null, declineReason: reason } };
    this.#finish(this.#declined.end);
    try {
      this.takeReply(await this.office.command(this, { type: 'decline', reason }, 'leaving'));
    } catch (error) {
      if (!isOvertaken(error)) this.#ringOn();
      throw error;
    }
  }

  /** What was done here does not hold. */
  #ringOn(): void {
    this.#declined = undefined;
    this.over = this.#endFor(this.told);
    this.emit('changed');
  }

  /** Stops ringing on this device alone. */
  async ignore(): Promise<void> {
    this.#ignoredRing = this.ringId;
    await this.act({ type: 'ignore' });
    this.#finish({ reason: 'cancelled', byDevice: this.office.deviceId });
  }

  protected async act(frame: CallFrame): Promise<void> {
    this.takeReply(await this.office.command(this, frame));
  }

  /**
   * Ends this user's part: cancels while dialing, hangs up while connected. It is over here, and camera and microphone are
   * closed, when this returns; the promise waits until the Center has heard. Once more is harmless.
   * @throws CenterError `service_unavailable` when the Center could not be told for two minutes; it is told when it is back.
   */
  async hangUp(): Promise<void> {
    const { me, phase } = this;
    if (phase === 'ringing') return this.act({ type: 'hang_up' });
    if (phase === 'ended' && me?.state !== 'connected') return;
    this.#leaving.begin(me, this.placed);
    this.#finish({ reason: phase === 'dialing' ? 'cancelled' : 'hung_up', byDevice: null });
    await this.#leaving.tell(this.placed);
  }

  /**
   * Switches what this device sends on or off, without a new negotiation; before the first track, too.
   * @throws MediaForbiddenError `media_forbidden` for what a moderator forbade this user to send.
   */
  setSending(kind: MediaKind, on: boolean): void {
    const ban = this.forbidden[kind];
    if (on && ban) throw new MediaForbiddenError(kind, ban);
    this.media.wish({ [kind]: on });
    this.emit('changed');
  }

  /** Tries a camera or microphone again that had a problem. */
  retryDevice(kind: MediaKind): void {
    this.media.retryDevice(kind);
  }

  /**
   * Sends from another camera or microphone, a `deviceId` of the platform's `enumerateDevices`, as later calls of this client do, where
   * it is there; while the call has opened none, nothing.
   * @throws Error of the platform where it cannot be opened: what was sent before goes on.
   */
  async useDevice(kind: MediaKind, mediaDeviceId: string): Promise<void> {
    await this.media.useDevice(kind, mediaDeviceId);
    if (this.office.devices) this.office.devices[kind] = mediaDeviceId;
  }

  /**
   * Has the platform take noise of the surroundings out of what is sent of this device, or not, as in later calls of this client; others
   * hear no gap but the one in which the microphone is opened anew.
   * @throws Error of the platform where it cannot be opened: what was sent before goes on.
   */
  async setNoiseSuppression(on: boolean): Promise<void> {
    await this.media.suppressNoise(on);
    if (this.office.devices) this.office.devices.noiseSuppression = on;
  }

  /**
   * Has the user choose a screen, a window or a tab, and sends it beside the camera as a stream of its own, with its sound where the
   * platform gives it; in place of the one that is shared. Call it in the very act of the user: platforms refuse it else.
   * @throws MediaForbiddenError where a moderator forbade this user pictures.
   * @throws CenterError `invalid_request` before the call is up, or without video.
   * @throws Error of the platform: `NotAllowedError` where nothing was chosen.
   */
  async shareScreen(): Promise<void> {
    const { video } = this.forbidden;
    if (video) throw new MediaForbiddenError('video', video);
    if (!this.mayShareScreen) throw new CenterError('invalid_request', 'A screen is shared in a call with video, once it is up');
    await this.media.shareScreen();
  }

  /** Shares no screen any more. */
  stopScreen(): void {
    this.media.stopScreen();
  }

  /**
   * Does without the pictures of these streams (`streamId`), as of those that are out of view, and gets those of all others, and all sound:
   * without a negotiation. Say it anew whenever it changes; none: everything is watched, as at first.
   */
  unwatch(streamIds: readonly string[]): void {
    this.media.unwatch(streamIds);
  }

  /**
   * Says how high streams are shown here, in pixels of the screen: of a picture that is sent in several sizes the smallest comes that is as
   * high, of streams that are not named all of it. Say it anew whenever it changes. Calls of two send one size.
   */
  show(heights: ReadonlyMap<string, number>): void {
    this.media.show(heights);
  }

  /** Tells the Center that this device rings, so that the caller may know. */
  async confirmRinging(): Promise<void> {
    await this.office.command(this, { type: 'ringing' });
  }

  /** What is sent from the first track on. */
  wish(sending: Partial<Wishes>): void {
    this.media.wish(sending);
  }

  /** Begins what a call that this device gets to know needs at once: one that it is in, as after a reload, its media. */
  begin(): void {
    this.#followMedia();
  }

  takeReply(reply: ToldReply): void {
    if (reply.media && !this.over) this.media.keep(reply.media);
    this.update(reply.call);
    this.#followMedia();
  }

  /** Takes a newer state of the call, and tells what is different. */
  update(next: ToldCall): void {
    if (next.sequence > this.told.sequence) this.#take(next);
  }

  /** Lets an event pass that this release does not know: what it means is in the state that {@link correct} brings. */
  pass(sequence: number): void {
    if (sequence > this.told.sequence) this.told = { ...this.told, sequence };
  }

  /** Takes the Center's own reading in place of what this device folded. @returns whether it is as new as that. */
  correct(told: ToldCall): boolean {
    if (told.sequence < this.told.sequence) return false;
    this.#take(told);
    return true;
  }

  /** The Center does not know this call any more. */
  lose(): void {
    this.#finish({ reason: 'error', byDevice: null });
  }

  /** The Center made no call of the dial; or one that was over at once, of which its events will tell. */
  refuse(error: CenterError): void {
    if (error.callId && !this.placed) this.told = { ...this.told, callId: error.callId as ToldCall['callId'] };
    this.#leaving.begin(this.me, this.placed);
    const reason = error.code === 'all_callees_busy' ? 'busy' : error.code === 'dial_cancelled' ? 'cancelled' : 'error';
    this.#finish({ reason, byDevice: null, error });
  }

  /** The user's own dial has become this very call: the Call of that goes on with it, and this one says no more. */
  replace(): void {
    this.#isReplaced = true;
    this.#finish({ reason: 'answered_elsewhere', byDevice: this.office.deviceId });
  }

  /** A call that was left here, and of which the Center tells that this device is in it, is hung up again. */
  leaveAgain(): void {
    // One that was refused with its call is over there, too.
    if (this.over?.error?.callId) return;
    if (this.#leaving.isDue(this.me, this.office.deviceId)) this.#leaving.tell(true).catch(() => undefined);
  }

  /** How the Center is reached has changed. */
  tellLink(): void {
    this.emit('linkChanged');
  }

  /** Whether its media notices by itself when the network is back. */
  get isListening(): boolean {
    return this.media.isListening;
  }

  /** The Center is reached anew: media that was lost with it comes back without waiting. */
  renewMedia(): void {
    this.media.renew();
  }

  /** Stops using camera and microphone: the client is closing. */
  dispose(): void {
    this.media.stop();
  }

  #take(next: ToldCall): void {
    if (this.#isReplaced) return;
    const { told: before, phase: phaseBefore } = this;
    const wasLeft = !this.#leaving.isOver;
    this.told = next;
    this.placed = true;
    this.media.obey();
    this.#leaving.see(this.me);
    const end = this.#endFor(next);
    // Somebody who was out may be rung again, or come back.
    if (!end) this.over = undefined;
    else if (this.over && wasLeft && this.#leaving.isOver) this.over = { ...end, ...(this.over.error && { error: this.over.error }) };
    else if (this.over && this.over === this.#declined?.end) this.over = end;
    tellDifferences(before, next, (event, ...args) => this.emit(event, ...args));
    if (next.callType !== before.callType) this.media.addVideo();
    this.media.follow(next);
    if (end) this.#finish(end);
    else if (this.phase === 'connected' && phaseBefore !== 'connected') this.emit('connected');
    this.#followMedia();
    this.emit('changed');
    this.leaveAgain();
  }

  /** Whether, and why, a state of the call means that it is over here. */
  #endFor(call: ToldCall): CallEnd | undefined {
    const end = endOf(call, this.office.userAlias, this.office.deviceId);
    if (end) return end;
    const me = partOf(call, this.office.userAlias);
    if (this.#leaving.isOf(me)) return this.over ?? { reason: 'hung_up', byDevice: null };
    if (me?.state === 'ringing' && me.since === this.#declined?.ringId) return this.#declined.end;
    const ignored = me?.state === 'ringing' && me.since === this.#ignoredRing;
    return ignored ? { reason: 'cancelled', byDevice: this.office.deviceId } : undefined;
  }

  #finish(end: CallEnd): void {
    if (this.over) return;
    this.over = end;
    this.media.stop();
    this.emit('ended', end);
    this.emit('changed');
  }

  /**
   * Devices are opened once the Center has a call that this device is in; media runs from the first answer to the end, on the one
   * device that is in it. What needs neither is made ready while it rings.
   */
  #followMedia(): void {
    if (this.over || !this.placed) return;
    if (this.phase === 'ringing') return this.media.makeReady();
    if (this.me?.state === 'ringing') return;
    if (this.phase === 'connected') this.media.start();
    else if (this.me?.state === 'connected') this.media.prepare();
  }
}
