import { type Migration, sqlMigration } from '@communication-center/service';

/** By whose clock a user is told times. At most 64 characters: what an app stores is counted without it. */
export const timeZones: Migration = sqlMigration('TimeZones1764700000084', ['ALTER TABLE users ADD COLUMN time_zone text']);
