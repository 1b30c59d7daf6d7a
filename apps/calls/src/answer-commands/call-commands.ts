import type { AppId, CallId, CallState, UserAlias } from '@communication-center/contracts';
import { OutboxRelay, type Sql } from '@communication-center/event-log';
import { Postgres, ProblemError, Settings } from '@communication-center/service';
import { Inject, Injectable } from '@nestjs/common';
import type { Command, CommandOnCall, DialCall, Lines } from '../domain/commands.js';
import { findGlare } from '../domain/consequences.js';
import { decide } from '../domain/decide.js';
import type { Decision } from '../domain/decision.js';
import { reachedOnlyBusyCallees } from '../domain/dial-outcome.js';
import { hangUpAndAnswer } from '../domain/hang-up-and-answer.js';
import { activeCallOf, append, lockCall, lockLines, participantsOfCall, statesOfCalls } from '../event-store/call-store.js';
import { watchConnections } from '../follow-sessions/connection-deadlines.js';
import type { CallsSettings } from '../settings.js';
import { type CommandKey, fingerprintOf, type Reply, recall, remember } from './command-memory.js';

interface Carried {
  reply: Reply;
  shards: number[];
}

/** Between reading who is concerned and locking them, it became somebody else: look again. */
class ConcernedChanged extends Error {}

const retryable = new Set(['40001', '40P01']);

/** Carries commands out: locks, decides, appends, in one transaction each. */
@Injectable()
export class CallCommands {
  constructor(
    private readonly database: Postgres,
    private readonly relay: OutboxRelay,
    @Inject(Settings) private readonly settings: CallsSettings,
  ) {}

  /**
   * Dials. A dial to somebody who is dialing the initiator at this moment answers that call instead (glare).
   * @returns the call, which may have ended already because nobody could be rung.
   * @throws ProblemError with the rejection's code.
   */
  async dial(appId: AppId, command: DialCall, key?: CommandKey): Promise<CallState> {
    return this.#carryOut(appId, command, key, async (tx) => {
      const { lines, now } = await lockLines(tx, appId, [command.initiator, ...command.callees]);
      const answered = await this.#answerGlare(tx, appId, command, lines);
      if (answered) return answered;
      const carried = await this.#append(tx, appId, command.callId, undefined, decide(command, undefined, lines, now), now);
      return orAllBusy(carried, command.callees);
    });
  }

  /**
   * Carries out a command on a call that was dialed.
   * @returns the call afterwards.
   * @throws ProblemError with the rejection's code.
   */
  async act(appId: AppId, command: CommandOnCall, key?: CommandKey): Promise<CallState> {
    return this.#carryOut(appId, command, key, (tx) => this.actIn(tx, appId, command));
  }

  /** As {@link act}, inside the caller's transaction; the caller wakes the relay after its commit. */
  async actIn(tx: Sql, appId: AppId, command: CommandOnCall): Promise<Carried> {
    const participants = await participantsOfCall(tx, appId, command.callId);
    if (!participants) return { reply: { problem: { code: 'call_not_found' } }, shards: [] };
    if (command.type === 'AnswerCall' && command.hangUpOther) {
      const active = await activeCallOf(tx, appId, command.userAlias);
      if (active && active !== command.callId) return this.#hangUpAndAnswer(tx, appId, command, active, participants);
    }
    const invited = command.type === 'InviteToCall' ? command.callees : [];
    const { lines } = await lockLines(tx, appId, [...participants, ...invited]);
    const { call, now } = await lockUnchanged(tx, appId, command.callId, participants);
    const carried = await this.#append(tx, appId, command.callId, call, decide(command, call, lines, now), now);
    return orAllBusy(carried, invited);
  }

  /** Locks everyone in either call, then both calls, and appends to both or to neither. */
  async #hangUpAndAnswer(
    tx: Sql,
    appId: AppId,
    command: Command & { type: 'AnswerCall' },
    activeId: CallId,
    participants: readonly UserAlias[],
  ): Promise<Carried> {
    const others = (await participantsOfCall(tx, appId, activeId)) ?? [];
    const { lines } = await lockLines(tx, appId, [...participants, ...others]);
    if (lines.get(command.userAlias)?.activeCall !== activeId) throw new ConcernedChanged();
    const { call: active } = await lockUnchanged(tx, appId, activeId, others);
    const { call: waiting, now } = await lockUnchanged(tx, appId, command.callId, participants);
    const { left, answered } = hangUpAndAnswer(command, { active, waiting, lines }, now);
    const hungUp = await this.#append(tx, appId, activeId, active, left, now);
    const carried = await this.#append(tx, appId, command.callId, waiting, answered, now);
    return { ...carried, shards: [...hungUp.shards, ...carried.shards] };
  }

  async #answerGlare(tx: Sql, appId: AppId, command: DialCall, lines: Lines): Promise<Carried | undefined> {
    const rungBy = lines.get(command.initiator)?.rungBy ?? [];
    if (!command.initiatorDevice || rungBy.length === 0) return undefined;
    const glare = findGlare(command.initiator, command.callees, await statesOfCalls(tx, appId, rungBy));
    const locked = glare && (await lockCall(tx, appId, glare.callId));
    if (!locked) return undefined;
    const { callId } = locked.call;
    const answer = { type: 'AnswerCall', callId, userAlias: command.initiator, deviceId: command.initiatorDevice } as const;
    return this.#append(tx, appId, callId, locked.call, decide(answer, locked.call, lines, locked.now), locked.now);
  }

  async #append(tx: Sql, appId: AppId, callId: CallId, before: CallState | undefined, decision: Decision, now: Date): Promise<Carried> {
    if (!decision.facts) {
      const { rejected: code, detail } = decision;
      return { reply: { problem: { code, ...(detail && { detail }), ...(before && { callId }) } }, shards: [] };
    }
    if (decision.facts.length === 0 && before) return { reply: { call: before }, shards: [] };
    const { call, shards } = await append(tx, appId, { callId, before, facts: decision.facts, now });
    await watchConnections(tx, appId, call, this.settings.CONNECTION_GRACE_MS);
    return { reply: { call }, shards };
  }

  async #carryOut(appId: AppId, command: Command, key: CommandKey | undefined, work: (tx: Sql) => Promise<Carried>): Promise<CallState> {
    const { reply, shards } = await retryConflicts(() =>
      this.database.transaction(async (tx) => {
        const first = key && (await recall(tx, appId, key, fingerprintOf(command)));
        if (first) return { reply: first, shards: [] };
        const carried = await work(tx);
        if (key) await remember(tx, appId, key, carried.reply);
        return carried;
      }),
    );
    this.relay.committed(shards);
    if (reply.problem) throw new ProblemError(reply.problem.code, reply.problem.detail, { callId: reply.problem.callId });
    return reply.call;
  }
}

/** Locks a call. @throws ConcernedChanged when others than `participants`, whose lines are locked, have a part in it by now. */
async function lockUnchanged(
  tx: Sql,
  appId: AppId,
  callId: CallId,
  participants: readonly UserAlias[],
): Promise<{ call: CallState; now: Date }> {
  const locked = await lockCall(tx, appId, callId);
  if (!locked || locked.call.participants.length !== participants.length) throw new ConcernedChanged();
  return locked;
}

/** The events stand, and whoever called hears that all were busy. */
function orAllBusy(carried: Carried, callees: readonly UserAlias[]): Carried {
  const { call } = carried.reply;
  if (!call || callees.length === 0 || !reachedOnlyBusyCallees(call, callees)) return carried;
  return { ...carried, reply: { problem: { code: 'all_callees_busy', callId: call.callId } } };
}

/** Tries a transaction again when the database or a changed call asks for it. */
async function retryConflicts<T>(work: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await work();
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : '';
      if (tries >= 5 || !(error instanceof ConcernedChanged || retryable.has(code))) throw error;
      await new Promise((resolve) => setTimeout(resolve, 5 * tries * (0.5 + Math.random())));
    }
  }
}
