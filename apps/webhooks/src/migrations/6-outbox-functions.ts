import { outboxFunctions as functions } from '@communication-center/event-log';
import { type Migration, sqlMigration } from '@communication-center/service';

export const outboxFunctions: Migration = sqlMigration('OutboxFunctions1764200000001', functions);
