import { eraseApps, purgeRows, rowsOfApp } from '@communication-center/service';
import { Module } from '@nestjs/common';
import { DeliverAuditEntries } from './deliver/deliver-audit-entries.reaction.js';
import { DeliverCallEvents } from './deliver/deliver-call-events.reaction.js';
import { DeliverPresenceChanges } from './deliver/deliver-presence-changes.reaction.js';
import { Deliveries } from './deliver/deliveries.js';
import { Sender } from './deliver/sender.js';
import { EndpointStore } from './endpoints/endpoint-store.js';
import { EndpointsController } from './endpoints/endpoints.controller.js';
import { DeliveriesController } from './read-deliveries/deliveries.controller.js';
import type { WebhooksSettings } from './settings.js';

const daySeconds = 86_400;
/** More than the longest schedule of retries takes: a deleted endpoint goes after the last of its deliveries. */
const endingDays = 7;

/** Deliveries take their attempts with them. */
const oldRows = ({ KEEP_DELIVERIES_DAYS }: WebhooksSettings) => [
  { table: 'deliveries', by: 'created_at', keepSeconds: KEEP_DELIVERIES_DAYS * daySeconds, only: "state <> 'pending'" },
  { table: 'endpoints', by: 'deleted_at', keepSeconds: (KEEP_DELIVERIES_DAYS + endingDays) * daySeconds, only: 'deleted_at IS NOT NULL' },
];

/** Endpoints end as if each was deleted, and go with the last of its deliveries: their rows keep nothing but their ids. */
const ofApps = [
  {
    table: 'endpoints',
    statement: `UPDATE endpoints SET deleted_at = now(), disabled_at = coalesce(disabled_at, now()), sealed_secret = '', url = '', description = ''
                WHERE app_id = $1 AND deleted_at IS NULL`,
  },
  rowsOfApp('deliveries'),
];

@Module({
  controllers: [EndpointsController, DeliveriesController, DeliverCallEvents, DeliverPresenceChanges, DeliverAuditEntries],
  providers: [EndpointStore, Deliveries, Sender, purgeRows(oldRows), eraseApps(ofApps)],
})
export class AppModule {}
