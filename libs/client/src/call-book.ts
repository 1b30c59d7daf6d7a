import { Call } from './call.js';
import type { CallOffice } from './call-office.js';
import { CenterError } from './center-error.js';
import { Emitter } from './emitter.js';
import { foldTold, type ToldCall, type ToldEvent, type ToldReply } from './told-call.js';

type BookEvents = {
  /** A call rings here that did not before. */
  ring: [Call];
  /** Somebody called who heard busy. */
  busyAlert: [Call];
  changed: [Call];
};

/** How the book gets what events alone do not tell. */
export interface CallSource {
  /** Reads a call as the Center folds it. */
  read(callId: string): Promise<ToldCall>;
  /** Gets a fresh snapshot. */
  renew(): void;
  /** @returns the Call of the dial that made this call, where one of this device did. */
  dialOf(state: ToldCall, known: Call | undefined): Call | undefined;
}

/** Reading such a call again would bring the same. */
const finalCodes = new Set<string>(['call_not_found', 'not_a_participant', 'forbidden', 'internal_error']);
const learning = { tries: 4, firstPauseMs: 300 };
/** Many devices meet an unknown event at once: each reads its call at a moment of its own, and seldom. */
const correcting = { spreadMs: 1000, everyMs: 5000, tries: 3 };
const keptEndedCalls = 100;

/** The calls a device knows, kept up by snapshots and events. */
export class CallBook extends Emitter<BookEvents> {
  readonly #office: CallOffice;
  readonly #source: CallSource;
  readonly #calls = new Map<string, Call>();
  readonly #followed = new WeakSet<Call>();
  readonly #learning = new Map<string, { upTo: number; over: Promise<void> }>();
  readonly #corrections = new Map<string, { timer: ReturnType<typeof setTimeout> | undefined; lastAt: number }>();

  constructor(office: CallOffice, source: CallSource) {
    super();
    this.#office = office;
    this.#source = source;
  }

  /** Calls that are not over for this device. */
  get active(): Call[] {
    return [...this.#calls.values()].filter((call) => call.phase !== 'ended');
  }

  /** Calls that this user is in on another device. */
  get elsewhere(): Call[] {
    return [...this.#calls.values()].filter((call) => call.state.status !== 'ended' && call.isElsewhere);
  }

  /** The Center is reached anew. */
  renewMedia(): void {
    for (const call of this.active) call.renewMedia();
  }

  takeSnapshot(calls: readonly ToldCall[]): void {
    const told = new Set<string>(calls.map(({ callId }) => callId));
    for (const state of calls) this.#takeState(state);
    // A call that is missing ended so long ago that the snapshot leaves it out.
    for (const { callId, state, isPlaced } of this.#calls.values()) {
      if (isPlaced && state.status !== 'ended' && !told.has(callId)) void this.#learn(callId);
    }
    for (const call of this.#calls.values()) call.leaveAgain();
  }

  takeEvent(event: ToldEvent): void {
    const { callid: callId, sequence } = event;
    const known = this.#calls.get(callId);
    const heardBusy = event.type === 'call.busy' && event.data.userAlias === this.#office.userAlias && !event.data.waiting;
    if (!known && event.type !== 'call.dialed') {
      void this.#learn(callId, sequence).then(() => heardBusy && this.#alertBusy(callId));
      return;
    }
    if (known && sequence > known.state.sequence + 1) return this.#source.renew();
    if (event.type === 'unknown') {
      if (known && sequence > known.state.sequence) this.#pass(known, sequence);
      return;
    }
    // A dial that was refused is known by nothing but the id of its call.
    this.#takeState(foldTold(known?.state.sequence ? known.state : undefined, event));
    if (heardBusy) this.#alertBusy(callId);
  }

  /** Shows the app a call that the Center has not made yet. */
  show(call: Call): void {
    this.#file(call);
    this.emit('changed', call);
  }

  /** Gives a call to the dial that made it. @returns the Call that goes on with it. */
  place(dialed: Call, reply: ToldReply): Call {
    const known = this.#calls.get(reply.call.callId);
    // A dial that nobody was shown goes on with the call that is shown already; so does one that was given another.
    const isShown = this.#calls.get(dialed.callId) === dialed;
    const call =
      (known && !isShown) || (dialed.isPlaced && dialed.callId !== reply.call.callId) ? (known ?? this.callFor(reply.call)) : dialed;
    if (call === dialed) this.#adopt(dialed, reply.call.callId);
    call.takeReply(reply);
    // A reply that is asked for again is the first one: the call may have gone on, and the snapshot before it told of that.
    if (known) call.update(known.state);
    return call;
  }

  /** Files a dial that was refused with the call that it made all the same, or strikes it out. */
  fileRefused(dialed: Call): void {
    for (const [callId, call] of this.#calls) if (call === dialed) this.#calls.delete(callId);
    if (dialed.end?.error?.callId && !this.#calls.has(dialed.callId)) this.#file(dialed);
  }

  /** Puts a dial in the place of whatever is known of its call. */
  #adopt(dialed: Call, callId: string): void {
    const known = this.#calls.get(callId);
    if (known === dialed) return;
    if (this.#calls.get(dialed.callId) === dialed) this.#calls.delete(dialed.callId);
    this.#file(dialed, callId);
    known?.replace();
  }

  /** @returns the call of a state, which becomes known by it. */
  callFor(state: ToldCall): Call {
    const known = this.#calls.get(state.callId);
    const dialed = this.#source.dialOf(state, known);
    if (dialed) this.#adopt(dialed, state.callId);
    const call = dialed ?? known ?? new Call(this.#office, state);
    if (call !== known && call !== dialed) this.#file(call);
    call.update(state);
    if (!known) call.begin();
    return call;
  }

  #file(call: Call, callId = call.callId): void {
    this.#calls.set(callId, call);
    if (!this.#followed.has(call)) call.on('changed', () => this.emit('changed', call));
    this.#followed.add(call);
    this.#forgetOldCalls();
  }

  /** How the Center is reached has changed. */
  tellLink(): void {
    for (const call of this.active) call.tellLink();
  }

  /** Lets go of cameras, microphones and timers. */
  dispose(): void {
    for (const { timer } of this.#corrections.values()) clearTimeout(timer);
    for (const call of this.#calls.values()) call.dispose();
  }

  #alertBusy(callId: string): void {
    const call = this.#calls.get(callId);
    if (call) this.emit('busyAlert', call);
  }

  /**
   * Gets to know a call that was under way when this user was invited to it, or ended unseen.
   * @param upTo what is known to have happened in it: what is read may be from before the last of the events that asked for it.
   */
  #learn(callId: string, upTo = 0): Promise<void> {
    const known = this.#learning.get(callId);
    if (known) {
      known.upTo = Math.max(known.upTo, upTo);
      return known.over;
    }
    const learningIt = { upTo, over: Promise.resolve() };
    this.#learning.set(callId, learningIt);
    learningIt.over = this.#learnNow(callId, learningIt).finally(() => this.#learning.delete(callId));
    return learningIt.over;
  }

  async #learnNow(callId: string, learningIt: { upTo: number }): Promise<void> {
    for (let tries = 1; tries <= learning.tries; tries += 1) {
      const read = await this.#read(callId);
      if (!(read instanceof CenterError)) {
        this.#takeState(read);
        if (read.sequence >= learningIt.upTo) return;
      } else if (finalCodes.has(read.code)) return this.#lose(callId);
      if (tries < learning.tries) await pause(learning.firstPauseMs * 3 ** (tries - 1) * (0.5 + Math.random()));
    }
    this.#source.renew();
  }

  #read(callId: string): Promise<ToldCall | CenterError> {
    return this.#source.read(callId).catch((error: unknown) => {
      return error instanceof CenterError ? error : new CenterError('service_unavailable', String(error));
    });
  }

  /** Of an event it does not know a device knows only that something happened: the Center's own reading tells what. */
  #pass(call: Call, sequence: number): void {
    call.pass(sequence);
    this.#correctSoon(call, correcting.tries);
  }

  #correctSoon(call: Call, triesLeft: number): void {
    const { timer, lastAt } = this.#corrections.get(call.callId) ?? { timer: undefined, lastAt: 0 };
    if (timer !== undefined || triesLeft === 0) return;
    const wait = Math.max(0, lastAt + correcting.everyMs - Date.now()) + Math.random() * correcting.spreadMs;
    const next = setTimeout(() => {
      this.#corrections.set(call.callId, { timer: undefined, lastAt: Date.now() });
      void this.#correct(call, triesLeft - 1);
    }, wait);
    this.#corrections.set(call.callId, { timer: next, lastAt });
  }

  async #correct(call: Call, triesLeft: number): Promise<void> {
    const ringBefore = call.ringId;
    const read = await this.#read(call.callId);
    const failed = read instanceof CenterError;
    // Overtaken by events, the reading is older than what this device has: it reads again.
    if (failed ? !finalCodes.has(read.code) : !call.correct(read)) this.#correctSoon(call, triesLeft);
    this.#tellRing(call, ringBefore);
  }

  #takeState(state: ToldCall): void {
    const known = this.#calls.get(state.callId);
    const ringBefore = known?.ringId;
    const call = this.callFor(state);
    if (!known) this.emit('changed', call);
    this.#tellRing(call, ringBefore);
  }

  #tellRing(call: Call, ringBefore: string | undefined): void {
    if (call.ringId && call.ringId !== ringBefore) this.emit('ring', call);
  }

  #forgetOldCalls(): void {
    // A call that is over here but not for others is kept: forgotten, it would be new, and ring again.
    const over = [...this.#calls.values()].filter(({ state }) => state.status === 'ended');
    for (const { callId } of over.slice(0, Math.max(0, over.length - keptEndedCalls))) this.#forget(callId);
  }

  /** The Center does not know this call any more, or not for this user. */
  #lose(callId: string): void {
    this.#calls.get(callId)?.lose();
    this.#forget(callId);
  }

  #forget(callId: string): void {
    clearTimeout(this.#corrections.get(callId)?.timer);
    this.#corrections.delete(callId);
    this.#calls.delete(callId);
  }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
