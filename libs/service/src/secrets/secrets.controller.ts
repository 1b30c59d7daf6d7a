import type { Subject } from '@communication-center/contracts';
import { type Resealed, resealBodySchema, type SealedView } from '@communication-center/contracts/operations';
import { Controller, Get, HttpCode, Inject, Post } from '@nestjs/common';
import type { Logger } from 'pino';
import type { z } from 'zod';
import { ActsOnRecord } from '../acts-on-record.js';
import { Log } from '../log-token.js';
import { ProblemError } from '../problem-error.js';
import { actorOf, From, requireOperator } from '../subject.js';
import { JsonBody } from '../zod-input.js';
import type { Key } from './key-ring.js';
import { Resealing } from './resealing.js';

/** How the secrets that a service keeps are sealed. Reached through the gateway as /v1/operations/{service}/secrets. */
@Controller('v1/operations/secrets')
export class SecretsController {
  constructor(
    private readonly resealing: Resealing,
    private readonly acts: ActsOnRecord,
    @Inject(Log) private readonly log: Logger,
  ) {}

  /** Which keys sealed what: one that sealed nothing any more may go. */
  @Get()
  async view(@From() subject: Subject): Promise<SealedView> {
    requireOperator(subject);
    this.#requireSealed();
    return this.resealing.view();
  }

  /** Seals with the first key what others sealed, for a few seconds; whoever asks goes on asking while some are left. */
  @Post('reseal')
  @HttpCode(200)
  async reseal(@From() subject: Subject, @JsonBody(resealBodySchema) body: z.infer<typeof resealBodySchema>): Promise<Resealed> {
    requireOperator(subject);
    const { id: keyId, isNamed } = this.#requireSealed();
    if (!isNamed) throw new ProblemError('conflict', `The first key of SECRETS_KEY has no id: write one before it, such as 2026-11:…`);
    if (body.keyId !== undefined && body.keyId !== keyId)
      throw new ProblemError('conflict', `This replica seals with the key ${keyId}: put the key ${body.keyId} first at all of them`);
    await this.acts.note(subject, { act: 'secrets.resealed', target: `with the key ${keyId}` });
    const done = await this.resealing.step();
    this.log.info({ act: 'secrets.reseal', actor: actorOf(subject), keyId, ...done }, 'an operator has secrets sealed anew');
    return { ...(await this.resealing.view()), ...done };
  }

  #requireSealed(): Key {
    const { current } = this.resealing;
    if (!current) throw new ProblemError('not_found', 'This service keeps nothing sealed');
    return current;
  }
}
