import { eventLogTables } from '@communication-center/event-log';
import { type Migration, socketSessionTables, sqlMigration } from '@communication-center/service';

export const gateway: Migration = sqlMigration('Gateway1763800000001', [...eventLogTables, ...socketSessionTables]);
