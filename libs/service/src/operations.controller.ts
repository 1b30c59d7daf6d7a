import { appIdSchema, isStorable, type ServiceAct, type Subject } from '@communication-center/contracts';
import { parkedKeyBodySchema } from '@communication-center/contracts/operations';
import {
  type ConsumerHealth,
  EventLogServer,
  isInfrastructureFailure,
  type ParkedKey,
  type RebuildStatus,
} from '@communication-center/event-log';
import { Controller, Get, HttpCode, Inject, Post, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import type { Logger } from 'pino';
import { z } from 'zod';
import { ActsOnRecord } from './acts-on-record.js';
import { Log } from './log-token.js';
import { ProblemError } from './problem-error.js';
import { actorOf, From, requireOperator } from './subject.js';
import { JsonBody, PathParam } from './zod-input.js';

type Parked = z.infer<typeof parkedKeyBodySchema>;
type Reply = Pick<FastifyReply, 'status' | 'header'>;

const nameSchema = z.string().min(1).max(200).refine(isStorable, { message: 'is no name of a projection' });

/** What takes longer is answered with where it is followed. */
const answeredWithinMs = 5000;
const isLong = Symbol('it takes long');

/** What an operator may do with a service's consumers. Reached through the gateway as /v1/operations/{service}/…. */
@Controller('v1/operations')
export class OperationsController {
  constructor(
    private readonly server: EventLogServer,
    private readonly acts: ActsOnRecord,
    @Inject(Log) private readonly log: Logger,
  ) {}

  @Get('consumers')
  consumers(@From() subject: Subject): { consumers: Pick<ConsumerHealth, 'group' | 'state'>[]; projections: string[] } {
    requireOperator(subject);
    return { consumers: this.server.states(), projections: this.server.projections() };
  }

  /** How the last rebuild of each projection went, or goes. */
  @Get('projections')
  async projections(@From() subject: Subject): Promise<{ projections: { name: string; rebuild: RebuildStatus | null }[] }> {
    requireOperator(subject);
    return { projections: await this.server.rebuilds() };
  }

  /** The same of one. */
  @Get('projections/:name')
  async projection(
    @From() subject: Subject,
    @PathParam('name', nameSchema) name: string,
  ): Promise<{ name: string; rebuild: RebuildStatus | null }> {
    requireOperator(subject);
    const found = (await this.server.rebuilds()).find((one) => one.name === name);
    return found ?? this.#noProjection();
  }

  /** Begins to fold the whole log into a projection again, beside the one that serves; how it goes is told by the projection. */
  @Post('projections/:name/rebuild')
  @HttpCode(202)
  async rebuild(
    @From() subject: Subject,
    @PathParam('name', nameSchema) name: string,
    @Res({ passthrough: true }) reply: Reply,
  ): Promise<{ name: string; rebuild: RebuildStatus }> {
    requireOperator(subject);
    if (!this.server.projections().includes(name)) this.#noProjection();
    await this.acts.note(subject, { act: 'projection.rebuilt', target: name });
    const rebuild = (await this.server.rebuild(name)) ?? this.#noProjection();
    // Relative to where it was asked for: the public path names the service.
    void reply.header('location', `../${name}`);
    this.log.info({ act: 'projection.rebuild', actor: actorOf(subject), projection: name }, 'an operator rebuilds a projection');
    return { name, rebuild };
  }

  /** Parked keys, those that wait for longest first, and how many there are. */
  @Get('dead-letters')
  async deadLetters(@From() subject: Subject): Promise<{ parked: ParkedKey[]; total: number }> {
    requireOperator(subject);
    return this.server.parkedKeys();
  }

  /**
   * Handles a parked key's events anew, in order, and frees the key; or says at which one it failed, from where the next goes on. One
   * that takes long goes on after the answer: `dead-letters` tells how many events are left, why it failed, or the key no more.
   */
  @Post('dead-letters/redrive')
  @HttpCode(200)
  async redrive(
    @From() subject: Subject,
    @JsonBody(parkedKeyBodySchema) parked: Parked,
    @Res({ passthrough: true }) reply: Reply,
  ): Promise<{ handled: number | null }> {
    requireOperator(subject);
    const isParked = await this.#noteOfParked(subject, 'parked_key.redriven', parked);
    if (!isParked && this.server.states().some(({ group }) => group === parked.group)) return { handled: 0 };
    const redriving = this.#redrive(subject, parked);
    const handled = await withinMs(answeredWithinMs, redriving);
    if (handled !== isLong) return { handled };
    redriving.catch((error: unknown) => this.log.warn({ err: error, act: 'dead_letters.redrive', ...parked }, 'a long redrive failed'));
    void reply.status(202).header('location', '../dead-letters');
    return { handled: null };
  }

  /** Gives up a parked key's events for good, and frees the key: what comes next is handled. */
  @Post('dead-letters/discard')
  @HttpCode(200)
  async discard(@From() subject: Subject, @JsonBody(parkedKeyBodySchema) parked: Parked): Promise<{ discarded: number }> {
    requireOperator(subject);
    const isParked = await this.#noteOfParked(subject, 'parked_key.discarded', parked);
    const discarded = isParked ? await this.server.discard(parked.group, parked.topic, parked.key) : undefined;
    if (discarded === undefined) throw new ProblemError('not_found', 'That key is not parked in a consumer group of this service');
    this.log.warn(
      { act: 'dead_letters.discard', actor: actorOf(subject), ...parked, discarded },
      "an operator gave up a parked key's events",
    );
    return { discarded };
  }

  /** Puts on record what is to be done to a parked key, with the app whose events it holds back. @returns false for one that is not parked. */
  async #noteOfParked(subject: Subject, act: ServiceAct, { group, topic, key }: Parked): Promise<boolean> {
    const owner = await this.server.ownerOfParked(group, topic, key);
    if (!owner) return false;
    await this.acts.note(subject, { act, target: `${group} ${topic} ${key}`, appId: appIdSchema.safeParse(owner.appId).data });
    return true;
  }

  async #redrive(subject: Subject, parked: Parked): Promise<number> {
    const handled = await this.server.redrive(parked.group, parked.topic, parked.key).catch((error: unknown) => {
      if (isInfrastructureFailure(error)) throw error;
      throw new ProblemError('conflict', `The key stays parked: ${error instanceof Error ? error.message : error}`, { cause: error });
    });
    if (handled === undefined) throw new ProblemError('not_found', 'That consumer group is not of this service');
    this.log.info({ act: 'dead_letters.redrive', actor: actorOf(subject), ...parked, handled }, 'an operator redrove a parked key');
    return handled;
  }

  #noProjection(): never {
    throw new ProblemError('not_found', `Projections here: ${this.server.projections().join(', ') || 'none'}`);
  }
}

async function withinMs<T>(milliseconds: number, work: Promise<T>): Promise<T | typeof isLong> {
  let timer: NodeJS.Timeout | undefined;
  const long = new Promise<typeof isLong>((resolve) => {
    timer = setTimeout(() => resolve(isLong), milliseconds);
  });
  try {
    return await Promise.race([work, long]);
  } finally {
    clearTimeout(timer);
  }
}
