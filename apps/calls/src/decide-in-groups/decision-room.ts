import { OutboxRelay, type Sql } from '@communication-center/event-log';
import { Postgres, Report, type ReportError, Settings } from '@communication-center/service';
import { Inject, Injectable } from '@nestjs/common';
import type { Command } from '../domain/commands.js';
import { reachedOnlyBusyCallees } from '../domain/dial-outcome.js';
import type { InTurn, Turn } from '../domain/in-turn.js';
import type { CallsSettings } from '../settings.js';
import { type AskedCommand, concernsOf } from './asked-command.js';
import { CommandMemory, type Reply } from './command-memory.js';
import { type Concern, type How, hold } from './hold.js';
import { type Published, save } from './save.js';
import { ConcernedChanged, tryAgain } from './try-again.js';

/**
 * Where commands are carried out: their lines and calls are locked, they are decided in turn, each on what the ones before it
 * left, and all they make of it is written in one transaction, which costs about the same for many as for one.
 */
@Injectable()
export class DecisionRoom {
  constructor(
    @Inject(Postgres) private readonly database: Pick<Postgres, 'query' | 'transaction'>,
    @Inject(OutboxRelay) private readonly relay: Pick<OutboxRelay, 'committed'>,
    @Inject(Settings) private readonly settings: Pick<CallsSettings, 'CONNECTION_GRACE_MS'>,
    @Inject(Report) private readonly report: ReportError,
  ) {}

  /**
   * Carries out commands, together where there are several. One whose lines or calls somebody else holds leaves the group and
   * is carried out alone, and so is each of a group that fails: none waits, or fails, for another.
   * @returns the replies in order; rejected where a part of the infrastructure failed, or a rule is broken.
   */
  async carryOut(asked: readonly AskedCommand[]): Promise<PromiseSettledResult<Reply>[]> {
    const together = asked.length > 1 ? await this.#together(asked) : [];
    return Promise.allSettled(asked.map(async (one, index) => together[index] ?? this.#alone(one)));
  }

  async #together(asked: readonly AskedCommand[]): Promise<(Reply | undefined)[]> {
    try {
      return await this.#transact(asked, 'skipping');
    } catch (error) {
      this.report(error, `carrying out ${asked.length} commands together: each is tried alone`);
      return [];
    }
  }

  async #alone(asked: AskedCommand): Promise<Reply> {
    return tryAgain(this.database, async () => {
      const [reply] = await this.#transact([asked], 'waiting');
      if (!reply) throw new ConcernedChanged();
      return reply;
    });
  }

  async #transact(asked: readonly AskedCommand[], how: How): Promise<(Reply | undefined)[]> {
    const { replies, published } = await this.database.transaction((tx) => this.#decide(tx, asked, how));
    this.relay.committed(published);
    return replies;
  }

  /** @returns the replies; undefined for what could not be held, or became another's concern. */
  async #decide(tx: Sql, asked: readonly AskedCommand[], how: How): Promise<{ replies: (Reply | undefined)[]; published: Published }> {
    const concerns = await concernsOf(tx, asked);
    const held = await hold(
      tx,
      concerns.filter((concern) => concern !== undefined),
      how,
    );
    const memory = await CommandMemory.read(
      tx,
      asked.flatMap(({ appId, key }) => (key ? { ...key, appId } : [])),
    );
    const replies = asked.map(({ appId, command, key, traceparent }, index): Reply | undefined => {
      const kept = key && { ...key, appId };
      const first = kept && memory.replyTo(kept);
      if (first) return first;
      const reply = decideOne(held.in(appId), concerns[index], command, traceparent);
      if (kept && reply) memory.remember(kept, reply);
      return reply;
    });
    return { replies, published: await save(tx, held, { memory, graceMs: this.settings.CONNECTION_GRACE_MS }) };
  }
}

function decideOne(
  inTurn: InTurn<string | undefined>,
  concern: Concern | undefined,
  command: Command,
  traceparent: string | undefined,
): Reply | undefined {
  if (!concern) return { problem: { code: 'call_not_found' } };
  if (!inTurn.holds(inTurn.concernedBy(command), concern.users)) return undefined;
  return replyTo(command, inTurn.take(command, traceparent));
}

function replyTo(command: Command, { decision, callId, call }: Turn): Reply {
  if (!decision.facts) {
    const { rejected: code, detail } = decision;
    return { problem: { code, ...(detail && { detail }), ...(call && { callId }) } };
  }
  if (!call) throw new Error(`Call ${callId} has no state after ${command.type}`);
  // The events stand, and whoever called hears that all were busy.
  const invited = command.type === 'DialCall' || command.type === 'InviteToCall' ? command.callees : [];
  const allBusy = callId === command.callId && invited.length > 0 && reachedOnlyBusyCallees(call, invited);
  return allBusy ? { problem: { code: 'all_callees_busy', callId } } : { call };
}
