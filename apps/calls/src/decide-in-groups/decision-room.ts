import type { CallEvent } from '@communication-center/contracts';
import { OutboxRelay, type Transaction } from '@communication-center/event-log';
import { Gathering, type Outcome, Postgres, ProblemError, Report, type ReportError, Settings } from '@communication-center/service';
import { Inject, Injectable } from '@nestjs/common';
import type { Command } from '../domain/commands.js';
import { reachedOnlyBusyCallees } from '../domain/dial-outcome.js';
import type { Turn } from '../domain/in-turn.js';
import type { CallsSettings } from '../settings.js';
import { type AskedCommand, namedBy, wantedBy } from './asked-command.js';
import type { Reply } from './command-memory.js';
import { type Held, type How, hold, makeLines, type User } from './hold.js';
import { isLeftOut, type LeftOut, UnknownUsers } from './left-out.js';
import { type Published, save } from './save.js';
import { ConcernedChanged, isPassing, LinesMissing, tryAgain } from './try-again.js';

/** Commands in one transaction at most: it takes some 20 ms, for which a command on one of their calls may have to wait. */
const groupSize = 64;
/**
 * Above a hundred groups a second they are begun 10 ms apart: each wakes everyone who follows the events, so that on a busy machine
 * what waits so long for others is told sooner than what goes at once. What comes less often, ten in a row included, waits for nothing.
 */
const pace = { paceMs: 10, unpaced: 10 };
/** Groups at a time: while one waits for its commit, the other decides. */
const groups = 2;
/** Nobody waits for a command any longer that has not begun by then, in milliseconds; it must not be carried out behind his back. */
const patienceMs = 5000;
/** Commands that wait for a group at most, and of them those of one app: what two groups do in about two seconds. */
const waiting = { most: 5000, ofOne: 1500 };
/** Commands that wait for what somebody else holds, at most. */
const waitingAlone = { most: 1000, ofOne: 200 };

interface Waiting {
  asked: AskedCommand;
  /** By the process's monotonic clock. */
  until: number;
}

/**
 * Where commands are carried out: their lines and calls are locked, they are decided in turn, each on what the ones before it
 * left, and all they make of it is written in one transaction, which costs about the same for many as for one. What arrives
 * while transactions run goes together into the next; what comes alone waits for nothing.
 *
 * A command whose lines or calls somebody else holds leaves the group and is carried out alone, on connections of which groups
 * do not need any, and so is each of a group that fails: none waits, or fails, for another.
 */
@Injectable()
export class DecisionRoom {
  readonly #groups: Gathering<Waiting, Reply | LeftOut>;
  readonly #alone: Gathering<Waiting, Reply>;

  constructor(
    @Inject(Postgres) private readonly database: Pick<Postgres, 'query' | 'transaction'>,
    @Inject(OutboxRelay) private readonly relay: Pick<OutboxRelay, 'committed'>,
    @Inject(Settings) private readonly settings: Pick<CallsSettings, 'CONNECTION_GRACE_MS' | 'DATABASE_POOL'>,
    @Inject(Report) private readonly report: ReportError,
  ) {
    const whose = ({ asked }: Waiting) => asked.appId;
    this.#groups = new Gathering({
      work: (waiting) => inTime(waiting, (asked) => this.#decideTogether(asked)),
      whose,
      mostAtOnce: groupSize,
      groups,
      ...pace,
      mostWaiting: waiting.most,
      mostWaitingOfOne: waiting.ofOne,
    });
    this.#alone = new Gathering({
      work: (waiting) => inTime(waiting, (asked) => Promise.all(asked.map((one) => this.#decideAlone(one)))),
      whose,
      mostAtOnce: 1,
      groups: Math.max(1, settings.DATABASE_POOL - groups - 1),
      mostWaiting: waitingAlone.most,
      mostWaitingOfOne: waitingAlone.ofOne,
    });
  }

  /**
   * Carries out a command.
   * @throws UnknownUsers when it names somebody who is not known here; ProblemError `rate_limited` or `service_unavailable` when too
   *   many commands wait already; otherwise what failed of the infrastructure, or that a rule is broken.
   */
  async carryOut(asked: AskedCommand): Promise<Reply> {
    const waiting = { asked, until: performance.now() + patienceMs };
    const reply = await this.#groups.add(waiting);
    if (!isLeftOut(reply)) return reply;
    if (reply.leftOut === 'unknown') throw new UnknownUsers(reply.users);
    return this.#alone.add(waiting);
  }

  /**
   * Carries out commands in one transaction, as far as what they concern can be had at once.
   * @returns for each its reply, or why it was left out.
   */
  async #decideTogether(asked: readonly AskedCommand[]): Promise<(Reply | LeftOut)[]> {
    try {
      const replies = await this.#transact(asked, 'skipping');
      const unlined = asked.filter((_one, index) => isUnlined(replies[index]));
      if (unlined.length === 0) return replies;
      await makeLines(
        this.database,
        replies.flatMap((reply) => (isUnlined(reply) ? reply.users : [])),
      );
      const later = new Map((await this.#transact(unlined, 'skipping')).map((reply, index) => [unlined[index], reply]));
      return replies.map((reply, index) => later.get(asked[index]) ?? reply);
    } catch (error) {
      if (asked.length > 1 && !isPassing(error)) this.report(error, `carrying out ${asked.length} commands together: each is tried alone`);
      return asked.map(() => ({ leftOut: 'held' }));
    }
  }

  async #decideAlone(asked: AskedCommand): Promise<Reply> {
    return tryAgain(this.database, async () => {
      const [reply = { leftOut: 'held' }] = await this.#transact([asked], 'waiting');
      if (!isLeftOut(reply)) return reply;
      if (reply.leftOut === 'unknown') throw new UnknownUsers(reply.users);
      throw reply.leftOut === 'unlined' ? new LinesMissing(reply.users) : new ConcernedChanged();
    });
  }

  async #transact(asked: readonly AskedCommand[], how: How): Promise<(Reply | LeftOut)[]> {
    const { replies, published } = await this.database.transaction((tx) => this.#decide(tx, asked, how));
    this.relay.committed(published);
    tell(asked, replies, published);
    return replies;
  }

  async #decide(
    tx: Transaction,
    asked: readonly AskedCommand[],
    how: How,
  ): Promise<{ replies: (Reply | LeftOut)[]; published: Published }> {
    const held = await hold(tx, wantedBy(asked), how);
    const replies = asked.map((one) => replyIn(held, one));
    return { replies, published: await save(tx.last, held, this.settings.CONNECTION_GRACE_MS) };
  }
}

/**
 * Tells those who would hear of it what has happened to their calls. Others' commands on the same call are in it: it is told whole, and
 * once to whoever hears for many.
 */
function tell(asked: readonly AskedCommand[], replies: readonly (Reply | LeftOut)[], published: Published): void {
  const told = new Map<unknown, Set<string>>();
  for (const [index, { hear }] of asked.entries()) {
    const reply = replies[index];
    if (!hear || !reply || isLeftOut(reply) || !reply.call) continue;
    const { callId } = reply.call;
    const calls = told.get(hear) ?? new Set();
    if (calls.has(callId)) continue;
    told.set(hear, calls.add(callId));
    const events = published.flatMap(({ key, event }) => (key === callId && event ? [event as CallEvent] : []));
    if (events.length > 0) hear(events);
  }
}

/** Works on those for which somebody waits still. */
async function inTime<R>(waiting: readonly Waiting[], work: (asked: AskedCommand[]) => Promise<R[]>): Promise<Outcome<R>[]> {
  const isInTime = ({ until }: Waiting) => performance.now() < until;
  const early = waiting.filter(isInTime);
  const done = early.length > 0 ? await work(early.map(({ asked }) => asked)) : [];
  const results = new Map(early.map((one, index) => [one, done[index] as R]));
  return waiting.map((one) => {
    const result = results.get(one);
    return result === undefined ? { failed: new ProblemError('service_unavailable', 'Too much waits already') } : { done: result };
  });
}

function isUnlined(reply: Reply | LeftOut | undefined): reply is LeftOut & { leftOut: 'unlined' } {
  return reply !== undefined && isLeftOut(reply) && reply.leftOut === 'unlined';
}

function replyIn(held: Held, asked: AskedCommand): Reply | LeftOut {
  const { appId, key } = asked;
  const kept = key && { ...key, appId };
  const first = kept && held.memory.replyTo(kept);
  if (first) return first;
  const reply = decideOne(held, asked);
  if (kept && !isLeftOut(reply) && !isForNow(reply)) held.memory.remember(kept, reply);
  return reply;
}

/** Whether a refusal says nothing of the command: a repeat, when there is room again, is carried out. */
function isForNow({ problem }: Reply): boolean {
  return problem?.code === 'too_many_calls';
}

function decideOne(held: Held, asked: AskedCommand): Reply | LeftOut {
  const { appId, command, traceparent } = asked;
  const named = namedBy(asked);
  const [unknown, unlined] = [among(named, held.unknown), among(named, held.unlined)];
  if (unknown.length > 0) return { leftOut: 'unknown', users: unknown };
  if (unlined.length > 0) return { leftOut: 'unlined', users: unlined };
  const inTurn = held.in(appId);
  const isNew = command.type === 'DialCall' || inTurn.callOf(command.callId) !== undefined;
  if (!isNew && !held.exists(appId, command.callId)) return { problem: { code: 'call_not_found' } };
  if (command.type === 'DialCall' && !held.knowsRoomOf(appId)) return { leftOut: 'held' };
  const aliases = named.map(({ userAlias }) => userAlias);
  if (!inTurn.holds(inTurn.concernedBy(command), aliases)) return { leftOut: 'held' };
  return replyTo(command, inTurn.take(command, traceparent));
}

/** @returns those of some users that are among others. */
function among(users: readonly User[], others: readonly User[]): User[] {
  if (others.length === 0) return [];
  return users.filter(({ appId, userAlias }) => others.some((other) => other.appId === appId && other.userAlias === userAlias));
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
