export type { SendAhead } from './consume/batch-transaction.js';
export { DeadLetters, type ParkedKey, type ParkedKind } from './consume/dead-letters.js';
export { type ConsumerOptions, EventConsumer } from './consume/event-consumer.js';
export { type Gap, Gaps, type Repair } from './consume/gaps.js';
export { InOrder } from './consume/in-order.js';
export type { EventBatch } from './consume/message-handler.js';
export { type ConsumerHealth, EventLogServer } from './consume/nest-server.js';
export { type AskAlone, Projection, type ProjectionBatch } from './consume/projection.js';
export type { Tombstone } from './consume/read-messages.js';
export { Rebuild } from './consume/rebuild.js';
export type { RebuildStatus } from './consume/rebuild-row.js';
export { Rest } from './consume/rest.js';
export { ProjectEvents, type ReactionBatch, ReactToEvents } from './consume/slice.js';
export { consumerTables } from './consume/tables.js';
export { Tail } from './consume/tail.js';
export type { WorkOnEvents } from './consume/trace-work.js';
export type { Database, OwnConnection, Rows, Sql, Transaction } from './database.js';
export { InfrastructureError, isInfrastructureFailure } from './failures.js';
export { type BrokerSettings, brokerSettingsIn, brokersOf, saslMechanisms } from './log/broker-settings.js';
export { BrokerWatch } from './log/broker-watch.js';
export { fromMessage, type Glimpse, toMessage } from './log/event-headers.js';
export { EventLog, type EventLogOptions } from './log/event-log.js';
export { readRange } from './log/read-range.js';
export { readTlsFiles } from './log/tls-files.js';
export { retentions } from './log/topic-retentions.js';
export { compareStore, type Stored } from './publish/compare-store.js';
export { FleetingFacts } from './publish/fleeting-facts.js';
export { LaneOwnership } from './publish/lane-ownership.js';
export type { WrittenRow } from './publish/lanes.js';
export {
  eventLogTables,
  forOutbox,
  type OutboxEntry,
  type OutboxPlace,
  oldestUnpublishedAge,
  unpublishedRows,
  writeOutbox,
} from './publish/outbox.js';
export { outboxFunctions, outboxRowFunctions, pinnedPlans } from './publish/outbox-functions.js';
export { OutboxRelay } from './publish/outbox-relay.js';
export { outboxTables } from './publish/outbox-tables.js';
export { Reconciler } from './publish/reconciler.js';
export type { RelayFigures } from './publish/relay-figures.js';
export type { RelayAlarms } from './publish/relay-options.js';
export type { NeverGiven } from './publish/store-looks.js';
export { Spacing } from './spacing.js';
