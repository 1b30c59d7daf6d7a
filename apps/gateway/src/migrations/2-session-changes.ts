import { type Migration, socketSessionChanges, sqlMigration } from '@communication-center/service';

export const sessionChanges: Migration = sqlMigration('SessionChanges1763950000002', [socketSessionChanges]);
