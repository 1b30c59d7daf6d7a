import { outboxRowFunctions } from '@communication-center/event-log';
import { type Migration, sqlMigration } from '@communication-center/service';

export const outboxRows: Migration = sqlMigration('OutboxRows1764300000046', outboxRowFunctions);
