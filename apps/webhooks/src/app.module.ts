import {
  eraseApps,
  erasedAtOnce,
  Identity,
  purgeRows,
  Replicas,
  repairFrom,
  rowsOfApp,
  ServiceClient,
  Settings,
} from '@communication-center/service';
import { Module } from '@nestjs/common';
import { ConsumerStore } from './consumers/consumer-store.js';
import { ConsumersController } from './consumers/consumers.controller.js';
import { DeliverAuditEntries } from './deliver/deliver-audit-entries.reaction.js';
import { DeliverCallEvents } from './deliver/deliver-call-events.reaction.js';
import { DeliverNotificationEvents } from './deliver/deliver-notification-events.reaction.js';
import { DeliverPresenceChanges } from './deliver/deliver-presence-changes.reaction.js';
import { Sender } from './deliver/sender.js';
import { EndpointStore } from './endpoints/endpoint-store.js';
import { EndpointsController } from './endpoints/endpoints.controller.js';
import { NoteDisabled } from './endpoints/note-disabled.js';
import { EventLogsProjection } from './event-logs/event-logs.projection.js';
import { EventTypesController } from './event-types/event-types.controller.js';
import { JobRunner } from './jobs/job-runner.js';
import { JobsController } from './jobs/jobs.controller.js';
import { KnownCalls } from './known-calls/known-calls.js';
import { Lanes } from './lanes/lanes.js';
import { KeepDays } from './messages/keep-days.js';
import { KeepMessages } from './messages/keep-messages.js';
import { DeliveriesController } from './read-deliveries/deliveries.controller.js';
import { EventReaders } from './read-events/event-readers.js';
import { EventsController } from './read-events/events.controller.js';
import { MessagesController } from './read-messages/messages.controller.js';
import type { WebhooksSettings } from './settings.js';
import { TestEndpointsController } from './test-endpoints/test-endpoints.controller.js';

const daySeconds = 86_400;
/** More than the longest schedule of retries takes: a deleted endpoint goes after the last of its deliveries. */
const endingDays = 7;

/** Messages and attempts go by day; these are what is of no day, or of none alone. Deliveries of the release before take their attempts with them. */
const oldRows = ({ KEEP_DELIVERIES_DAYS, KEEP_MESSAGES_DAYS }: WebhooksSettings) => [
  { table: 'messages_rest', by: 'occurred_at', keepSeconds: KEEP_MESSAGES_DAYS * daySeconds },
  { table: 'delivery_attempts_rest', by: 'at', keepSeconds: KEEP_DELIVERIES_DAYS * daySeconds },
  { table: 'undelivered', by: 'created_at', keepSeconds: Math.max(KEEP_DELIVERIES_DAYS, KEEP_MESSAGES_DAYS) * daySeconds },
  { table: 'webhook_jobs', by: 'created_at', keepSeconds: KEEP_DELIVERIES_DAYS * daySeconds, only: "state <> 'running'" },
  // Times before the oldest message are asked for to say how much is missing.
  { table: 'position_times', by: 'at', keepSeconds: 2 * KEEP_MESSAGES_DAYS * daySeconds },
  { table: 'deliveries', by: 'created_at', keepSeconds: KEEP_DELIVERIES_DAYS * daySeconds, only: "state <> 'pending'" },
  { table: 'endpoints', by: 'deleted_at', keepSeconds: (KEEP_DELIVERIES_DAYS + endingDays) * daySeconds, only: 'deleted_at IS NOT NULL' },
];

/** Rows of a table by day are told by their key: places in two partitions may be the same. */
const rowsByDay = (table: string, key: string) => ({
  table,
  statement: `DELETE FROM ${table} WHERE (${key}) IN (SELECT ${key} FROM ${table} WHERE app_id = $1 LIMIT ${erasedAtOnce})`,
});

/** Endpoints end as if each was deleted, and go with the last of its deliveries: their rows keep nothing but their ids. */
const ofApps = [
  {
    table: 'endpoints',
    statement: `UPDATE endpoints SET deleted_at = now(), disabled_at = coalesce(disabled_at, now()), sealed_secret = '', sealed_private = '', filters = '{}', url = '', description = ''
                WHERE app_id = $1 AND deleted_at IS NULL`,
  },
  rowsOfApp('deliveries'),
  rowsOfApp('undelivered'),
  rowsOfApp('webhook_jobs'),
  rowsOfApp('inbox'),
  rowsByDay('messages', 'message_id, occurred_at'),
  rowsByDay('delivery_attempts', 'endpoint_id, at, message_id'),
  rowsOfApp('positions'),
  rowsOfApp('app_positions'),
  rowsOfApp('event_consumers'),
  rowsOfApp('event_logs'),
  rowsOfApp('gone_positions'),
  rowsOfApp('position_times'),
];

/** Filters ask of calls what only their dial says. */
const knownCalls = {
  provide: KnownCalls,
  inject: [Identity, Settings],
  useFactory: (identity: Identity, { CALLS_URL }: WebhooksSettings) =>
    new KnownCalls(repairFrom(new ServiceClient(identity, 'calls', new Replicas(CALLS_URL)))),
};

@Module({
  controllers: [
    EndpointsController,
    TestEndpointsController,
    EventTypesController,
    DeliveriesController,
    MessagesController,
    JobsController,
    EventsController,
    ConsumersController,
    EventLogsProjection,
    DeliverCallEvents,
    DeliverPresenceChanges,
    DeliverAuditEntries,
    DeliverNotificationEvents,
  ],
  providers: [
    EndpointStore,
    NoteDisabled,
    knownCalls,
    Sender,
    Lanes,
    JobRunner,
    KeepMessages,
    KeepDays,
    EventReaders,
    ConsumerStore,
    purgeRows(oldRows),
    eraseApps(ofApps),
  ],
})
export class AppModule {}
