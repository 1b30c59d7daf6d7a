import { outboxTables } from '@communication-center/event-log';
import { type Migration, sqlMigration } from '@communication-center/service';

export const outbox: Migration = sqlMigration('Outbox1764000000061', outboxTables);
