import type { RuleBody, RuleView, Subject } from '@communication-center/contracts';
import { ruleBodySchema, ruleIdSchema } from '@communication-center/contracts/notification-rules';
import { appOfKey, From, NeededBody, PathParam } from '@communication-center/service';
import { Controller, Delete, Get, HttpCode, Put } from '@nestjs/common';
import { RuleStore } from './rule-store.js';

/** By which rules the people of an app are told; what is saved holds everywhere a second later. */
@Controller('v1/notification-rules')
export class RulesController {
  constructor(private readonly rules: RuleStore) {}

  @Get()
  async list(@From() subject: Subject): Promise<{ rules: RuleView[] }> {
    return { rules: await this.rules.list(appOfKey(subject, 'notifications')) };
  }

  @Put(':ruleId')
  async save(
    @From() subject: Subject,
    @PathParam('ruleId', ruleIdSchema) ruleId: string,
    @NeededBody(ruleBodySchema) body: RuleBody,
  ): Promise<RuleView> {
    return this.rules.save(appOfKey(subject, 'notifications'), ruleId, body);
  }

  @Delete(':ruleId')
  @HttpCode(204)
  async delete(@From() subject: Subject, @PathParam('ruleId', ruleIdSchema) ruleId: string): Promise<void> {
    await this.rules.delete(appOfKey(subject, 'notifications'), ruleId);
  }
}
