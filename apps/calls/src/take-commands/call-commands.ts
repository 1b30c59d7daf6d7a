import type { AppId, CallState } from '@communication-center/contracts';
import { currentTraceparent, inSpan, noteInTrace, Postgres, ProblemError } from '@communication-center/service';
import { Injectable } from '@nestjs/common';
import { CommandMemory, fingerprintOf, type Reply } from '../decide-in-groups/command-memory.js';
import { DecisionRoom } from '../decide-in-groups/decision-room.js';
import type { Command } from '../domain/commands.js';
import type { Actor } from './actor.js';

type Key = Actor['key'];

/** Has commands carried out, and turns what became of them into replies. */
@Injectable()
export class CallCommands {
  constructor(
    private readonly room: DecisionRoom,
    private readonly database: Postgres,
  ) {}

  /**
   * Carries out a command. A dial to somebody who is dialing the initiator at this moment answers that call instead (glare).
   * @param given names the act: a repeat gets the first reply.
   * @param asked what tells a repeat from another command, where that is not the command itself.
   * @returns the call afterwards; one that was dialed may have ended already because nobody could be rung.
   * @throws ProblemError with the rejection's code.
   */
  async act(appId: AppId, command: Command, given?: Key, asked: object = inOrder(command)): Promise<CallState> {
    const key = given && { ...given, fingerprint: fingerprintOf(asked) };
    const [done] = await inSpan(command.type, () => this.room.carryOut([{ appId, command, key, traceparent: currentTraceparent() }]));
    if (done?.status === 'fulfilled') noteInTrace({ appId, callId: done.value.call?.callId });
    if (done?.status === 'fulfilled') return callIn(done.value);
    throw done?.reason;
  }

  /**
   * Knows the first reply to a command that is repeated, whatever holds up new ones now.
   * @returns undefined when it is none.
   * @throws ProblemError as it was replied, or `idempotency_mismatch` when its id was used for something else.
   */
  async repeated(appId: AppId, given: Key, asked: object): Promise<CallState | undefined> {
    if (!given) return undefined;
    const key = { ...given, appId, fingerprint: fingerprintOf(asked) };
    const first = (await CommandMemory.read(this.database, [key])).replyTo(key);
    return first && callIn(first);
  }
}

function inOrder({ callId, ...command }: Command): object {
  return { callId, ...command };
}

function callIn({ call, problem }: Reply): CallState {
  if (problem) throw new ProblemError(problem.code, problem.detail, { callId: problem.callId });
  return call;
}
