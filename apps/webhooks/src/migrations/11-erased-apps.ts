import { erasedAppsTables, type Migration, sqlMigration } from '@communication-center/service';

export const erasedApps: Migration = sqlMigration('ErasedApps1764540000066', erasedAppsTables);
