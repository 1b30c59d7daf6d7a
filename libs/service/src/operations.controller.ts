import type { Subject } from '@communication-center/contracts';
import { EventLogServer, type ParkedKey } from '@communication-center/event-log';
import { Controller, Get, Param, Post } from '@nestjs/common';
import { z } from 'zod';
import { ProblemError } from './problem-error.js';
import { From, requireOperator } from './subject.js';
import { JsonBody } from './zod-input.js';

const redriveSchema = z.object({ group: z.string().min(1), topic: z.string().min(1), key: z.string().min(1) });

/** What an operator may do with a service's consumers. Reached through the gateway as /v1/operations/{service}/…. */
@Controller('v1/operations')
export class OperationsController {
  constructor(private readonly server: EventLogServer) {}

  @Get('consumers')
  consumers(@From() subject: Subject) {
    requireOperator(subject);
    return { consumers: this.server.states(), projections: this.server.projections() };
  }

  /** Empties a projection and folds the whole log into it again. */
  @Post('projections/:name/rebuild')
  async rebuild(@From() subject: Subject, @Param('name') name: string): Promise<{ folded: number }> {
    requireOperator(subject);
    const folded = await this.server.rebuild(name);
    if (folded === undefined) throw new ProblemError('not_found', `Projections here: ${this.server.projections().join(', ') || 'none'}`);
    return { folded };
  }

  @Get('dead-letters')
  async deadLetters(@From() subject: Subject): Promise<{ parked: ParkedKey[] }> {
    requireOperator(subject);
    return { parked: await this.server.parkedKeys() };
  }

  /** Handles a parked key's events anew, in order, and frees the key. */
  @Post('dead-letters/redrive')
  async redrive(@From() subject: Subject, @JsonBody(redriveSchema) body: z.infer<typeof redriveSchema>): Promise<{ handled: number }> {
    requireOperator(subject);
    const handled = await this.server.redrive(body.group, body.topic, body.key);
    if (handled === undefined) throw new ProblemError('not_found', 'That consumer group is not of this service');
    return { handled };
  }
}
