import type { AppId, AppOptions, CallState, CommandId, UserAlias } from '@communication-center/contracts';
import { currentTraceparent, inSpan, noteInTrace, Postgres, ProblemError } from '@communication-center/service';
import { Injectable } from '@nestjs/common';
import { v7 as uuidv7 } from 'uuid';
import type { AskedCommand } from '../decide-in-groups/asked-command.js';
import { CommandMemory, fingerprintOf, type Reply } from '../decide-in-groups/command-memory.js';
import { DecisionRoom } from '../decide-in-groups/decision-room.js';
import { UnknownUsers } from '../decide-in-groups/left-out.js';
import type { Command } from '../domain/commands.js';
import { DirectoryReading, unknownUsers } from '../follow-directory/user-settings.js';
import type { Actor } from './actor.js';
import { currentHearer } from './hearing.js';
import { PublishLag } from './publish-lag.js';

type Key = Actor['key'];

/** Has commands carried out, and turns what became of them into replies. */
@Injectable()
export class CallCommands {
  constructor(
    private readonly room: DecisionRoom,
    private readonly database: Postgres,
    private readonly directory: DirectoryReading,
    private readonly lag: PublishLag,
  ) {}

  /**
   * Carries out a command. A dial to somebody who is dialing the initiator at this moment answers that call instead (glare).
   * @param given names the act: a repeat gets the first reply.
   * @param asked what tells a repeat from another command, where that is not the command itself.
   * @returns the call afterwards; one that was dialed may have ended already because nobody could be rung.
   * @throws ProblemError with the rejection's code.
   */
  async act(appId: AppId, command: Command, given?: Key, asked: object = inOrder(command)): Promise<CallState> {
    // Without an id a commit whose answer was lost could not be told from one that never was.
    const key = { ...(given ?? { actor: 'center', commandId: uuidv7() as CommandId }), fingerprint: fingerprintOf(asked) };
    const done = await inSpan(command.type, () =>
      this.#carryOut({ appId, command, key, traceparent: currentTraceparent(), hear: currentHearer() }),
    );
    noteInTrace({ appId, callId: done.call?.callId });
    return callIn(done);
  }

  /**
   * Carries out what rings people, on the app's terms: refused while nobody would hear of it. A repeat gets its first reply
   * nevertheless.
   * @throws ProblemError as {@link act}, `service_unavailable` while events do not reach the log.
   */
  async ring(appId: AppId, given: Key, asked: object, commandWithin: (options: AppOptions) => Command): Promise<CallState> {
    let options: AppOptions;
    try {
      await this.lag.requireSmall();
      options = await this.directory.optionsOf(appId);
    } catch (error) {
      const first = await this.#repeated(appId, given, asked);
      if (!first) throw error;
      return first;
    }
    return this.act(appId, commandWithin(options), given, asked);
  }

  /** Users who are not known here may have been made a moment ago: then the directory is asked. */
  async #carryOut(asked: AskedCommand): Promise<Reply> {
    try {
      return await this.room.carryOut(asked);
    } catch (error) {
      if (!(error instanceof UnknownUsers)) throw error;
      await this.directory.learn(asked.appId, aliasesOf(error));
    }
    try {
      return await this.room.carryOut(asked);
    } catch (error) {
      throw error instanceof UnknownUsers ? unknownUsers(aliasesOf(error)) : error;
    }
  }

  /**
   * Knows the first reply to a command that is repeated, whatever holds up new ones now.
   * @returns undefined when it is none.
   * @throws ProblemError as it was replied, or `idempotency_mismatch` when its id was used for something else.
   */
  async #repeated(appId: AppId, given: Key, asked: object): Promise<CallState | undefined> {
    if (!given) return undefined;
    const key = { ...given, appId, fingerprint: fingerprintOf(asked) };
    const first = (await CommandMemory.read(this.database, key)).replyTo(key);
    return first && callIn(first);
  }
}

function aliasesOf({ users }: UnknownUsers): UserAlias[] {
  return users.map(({ userAlias }) => userAlias);
}

function inOrder({ callId, ...command }: Command): object {
  return { callId, ...command };
}

function callIn({ call, problem }: Reply): CallState {
  if (problem) throw new ProblemError(problem.code, problem.detail, { callId: problem.callId });
  return call;
}
