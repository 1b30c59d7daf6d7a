import {
  type CallFact,
  type CallId,
  type CallState,
  type DeviceId,
  foldCallEvent,
  participantOf,
  type UserAlias,
} from '@communication-center/contracts';
import type { Command, DialCall, Line, Lines } from './commands.js';
import { consequencesOf, findGlare } from './consequences.js';
import { decide } from './decide.js';
import { type Decision, reject } from './decision.js';
import { provisional } from './draft.js';
import { hangUpAndAnswer } from './hang-up-and-answer.js';

/** What commands have made of one call: its facts in order, and the call before the first and after the last of them. */
export interface CallChange<Cause> {
  callId: CallId;
  before: CallState | undefined;
  after: CallState;
  facts: { fact: CallFact; cause: Cause }[];
}

/** Where a line ends up that was claimed or freed. */
export interface MovedLine {
  userAlias: UserAlias;
  activeCall: CallId | null;
  deviceId: DeviceId | null;
}

/** What a command came to, and on which call: a dial may have answered another (glare). */
export type Turn = { decision: Decision; callId: CallId; call: CallState | undefined };

/**
 * Calls and lines of one app that are held while commands on them are decided one after the other, each on what the ones
 * before it left. Pure: nothing is read or written here.
 */
export class InTurn<Cause = undefined> {
  readonly #calls: Map<CallId, CallState>;
  readonly #lines: Map<UserAlias, Line>;
  readonly #changes = new Map<CallId, CallChange<Cause>>();
  readonly #moved = new Set<UserAlias>();
  #room: number;

  /**
   * @param now when everything is decided; not before anything that happened in one of the calls.
   * @param room for how many calls more there is room in the app.
   */
  constructor(
    calls: Iterable<CallState>,
    lines: Lines,
    readonly now: Date,
    room = Number.POSITIVE_INFINITY,
  ) {
    this.#room = room;
    this.#calls = new Map([...calls].map((call) => [call.callId, call]));
    this.#lines = new Map(lines);
  }

  /** @returns the call as it is by now; undefined where it is not held. */
  callOf(callId: CallId): CallState | undefined {
    return this.#calls.get(callId);
  }

  /** Whether all that a command on these calls and users decides on is held. */
  holds(callIds: readonly CallId[], users: readonly UserAlias[]): boolean {
    const calls = callIds.map((callId) => this.#calls.get(callId));
    const concerned = [...users, ...calls.flatMap((call) => call?.participants.map(({ userAlias }) => userAlias) ?? [])];
    return calls.every((call) => call !== undefined) && concerned.every((userAlias) => this.#lines.has(userAlias));
  }

  /** @returns the calls that a command concerns as things are now: its own, and the one it would leave or answer instead. */
  concernedBy(command: Command): CallId[] {
    if (command.type === 'DialCall') {
      const glare = this.#glareOf(command);
      return glare ? [glare.callId] : [];
    }
    const active = command.type === 'AnswerCall' && command.hangUpOther ? this.#lines.get(command.userAlias)?.activeCall : undefined;
    return active && active !== command.callId ? [command.callId, active] : [command.callId];
  }

  /**
   * Decides one command.
   * @param cause is kept with each of its facts.
   * @throws Error when a line would be claimed that is taken: a rule is broken.
   */
  take(command: Command, cause: Cause): Turn {
    if (command.type === 'DialCall') return this.#dial(command, cause);
    const call = this.#calls.get(command.callId);
    const [, active] = this.concernedBy(command).map((callId) => this.#calls.get(callId));
    if (command.type !== 'AnswerCall' || !call || !active) return this.#append(command.callId, this.#decide(command), cause);
    const { left, answered } = hangUpAndAnswer(command, { active, waiting: call, lines: this.#lines }, this.now);
    this.#append(active.callId, left, cause);
    return this.#append(call.callId, answered, cause);
  }

  /** @returns what the commands have made of calls, in the order in which they first changed. */
  get changes(): CallChange<Cause>[] {
    return [...this.#changes.values()];
  }

  /** @returns where the lines are that were claimed or freed, each once. */
  get movedLines(): MovedLine[] {
    return [...this.#moved].map((userAlias) => {
      const activeCall = this.#lines.get(userAlias)?.activeCall ?? null;
      const call = activeCall && this.#calls.get(activeCall);
      const participant = call ? participantOf(call, userAlias) : undefined;
      return { userAlias, activeCall, deviceId: participant?.state === 'connected' ? participant.deviceId : null };
    });
  }

  #dial(command: DialCall, cause: Cause): Turn {
    const glare = this.#glareOf(command);
    if (!glare || !command.initiatorDevice) return this.#begin(command, cause);
    const { initiator: userAlias, initiatorDevice: deviceId } = command;
    return this.#append(glare.callId, this.#decide({ type: 'AnswerCall', callId: glare.callId, userAlias, deviceId }), cause);
  }

  /** Whatever speaks against a dial is said before that there is no room: only that may be otherwise a moment later. */
  #begin(command: DialCall, cause: Cause): Turn {
    const decision = this.#decide(command);
    if (decision.facts && this.#room <= 0) return { decision: reject('too_many_calls'), callId: command.callId, call: undefined };
    const turn = this.#append(command.callId, decision, cause);
    if (turn.call && turn.call.status !== 'ended') this.#room -= 1;
    return turn;
  }

  #decide(command: Command): Decision {
    return decide(command, this.#calls.get(command.callId), this.#lines, this.now);
  }

  #glareOf({ initiator, initiatorDevice, callees }: DialCall): CallState | undefined {
    const ringing = initiatorDevice ? (this.#lines.get(initiator)?.rungBy ?? []) : [];
    return findGlare(
      initiator,
      callees,
      ringing.flatMap((callId) => this.#calls.get(callId) ?? []),
    );
  }

  #append(callId: CallId, decision: Decision, cause: Cause): Turn {
    const before = this.#calls.get(callId);
    let call = before;
    for (const fact of decision.facts ?? []) call = foldCallEvent(call, provisional(fact, callId, (call?.sequence ?? 0) + 1, this.now));
    if (call && call !== before) this.#change({ before, after: call, facts: decision.facts ?? [], cause });
    return { decision, callId, call };
  }

  #change({ before, after, facts, cause }: { before: CallState | undefined; after: CallState; facts: CallFact[]; cause: Cause }): void {
    const { callId } = after;
    const change = this.#changes.get(callId) ?? { callId, before, after, facts: [] };
    change.after = after;
    change.facts.push(...facts.map((fact) => ({ fact, cause })));
    this.#changes.set(callId, change);
    this.#calls.set(callId, after);
    this.#moveLines(before, after);
  }

  #moveLines(before: CallState | undefined, after: CallState): void {
    const { callId } = after;
    const { claim, move, free, startRinging, stopRinging } = consequencesOf(before, after);
    for (const user of free) this.#move(user, (line) => (line.activeCall === callId ? { ...line, activeCall: null } : line));
    for (const user of claim) this.#move(user, (line) => claimed(user, line, callId));
    for (const user of move) this.#moved.add(user);
    for (const user of stopRinging) this.#ring(user, (rungBy) => rungBy.filter((other) => other !== callId));
    for (const user of startRinging) this.#ring(user, (rungBy) => [...rungBy, callId]);
  }

  #move(userAlias: UserAlias, change: (line: Line) => Line): void {
    this.#lines.set(userAlias, change(this.#lineOf(userAlias)));
    this.#moved.add(userAlias);
  }

  #ring(userAlias: UserAlias, change: (rungBy: CallId[]) => CallId[]): void {
    const line = this.#lineOf(userAlias);
    this.#lines.set(userAlias, { ...line, rungBy: change(line.rungBy) });
  }

  #lineOf(userAlias: UserAlias): Line {
    const line = this.#lines.get(userAlias);
    if (!line) throw new Error(`The line of ${userAlias} is not held`);
    return line;
  }
}

function claimed(userAlias: UserAlias, line: Line, callId: CallId): Line {
  if (line.activeCall) throw new Error(`Call ${callId} claims the line of ${userAlias}, which is taken by ${line.activeCall}`);
  return { ...line, activeCall: callId };
}
