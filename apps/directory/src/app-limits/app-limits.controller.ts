import {
  type AppId,
  appIdSchema,
  type LimitsView,
  limitsWith,
  type Subject,
  simultaneousCallsByDefault,
} from '@communication-center/contracts';
import { From, PathParam } from '@communication-center/service';
import { Controller, Get } from '@nestjs/common';
import { AppStore } from '../apps/app-store.js';
import { requireAdminOf } from '../apps/apps.controller.js';

/** How much may be done in the name of an app. The operator sets it as an option of the app; the gateways hold everybody to it. */
@Controller()
export class AppLimitsController {
  constructor(private readonly apps: AppStore) {}

  @Get('v1/apps/:appId/limits')
  async get(@From() subject: Subject, @PathParam('appId', appIdSchema) appId: AppId): Promise<LimitsView> {
    requireAdminOf(subject, appId);
    const { limits } = (await this.apps.get(appId)).options;
    return { ...limitsWith(limits), simultaneousCalls: limits?.simultaneousCalls ?? simultaneousCallsByDefault };
  }
}
