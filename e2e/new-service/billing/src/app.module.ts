import { purgeRows } from '@communication-center/service';
import { Module } from '@nestjs/common';
import type { BillingSettings } from './settings.js';
import { ArchivesController } from './used/archives.controller.js';
import { UsageController } from './used/usage.controller.js';
import { UsageProjection } from './used/usage.projection.js';

const oldRows = ({ KEEP_USAGE_DAYS }: BillingSettings) => [
  { table: 'calls_used', by: 'ended_at', keepSeconds: KEEP_USAGE_DAYS * 86_400, only: 'ended_at IS NOT NULL' },
];

@Module({ controllers: [ArchivesController, UsageController, UsageProjection], providers: [purgeRows(oldRows)] })
export class AppModule {}
