import {
  type AppId,
  appIdSchema,
  type LimitsView,
  limitsWith,
  type Subject,
  simultaneousCallsByDefault,
  storedBytesByDefault,
} from '@communication-center/contracts';
import { From, PathParam, Postgres } from '@communication-center/service';
import { Controller, Get } from '@nestjs/common';
import { AppStore } from '../apps/app-store.js';
import { requireAdminOf } from '../apps/apps.controller.js';
import { bytesStored } from '../stored-bytes/stored-bytes.js';

/** How much may be done in the name of an app. The operator sets it as an option of the app; the gateways hold everybody to it. */
@Controller()
export class AppLimitsController {
  constructor(
    private readonly apps: AppStore,
    private readonly database: Postgres,
  ) {}

  @Get('v1/apps/:appId/limits')
  async get(@From() subject: Subject, @PathParam('appId', appIdSchema) appId: AppId): Promise<LimitsView> {
    requireAdminOf(subject, appId);
    const { limits } = (await this.apps.get(appId)).options;
    return {
      ...limitsWith(limits),
      simultaneousCalls: limits?.simultaneousCalls ?? simultaneousCallsByDefault,
      storedBytes: limits?.storedBytes ?? storedBytesByDefault,
      bytesStored: await bytesStored(this.database, appId),
    };
  }
}
