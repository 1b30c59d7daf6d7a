import { type Migration, sqlMigration } from '@communication-center/service';

/** By which account a phone subscribed: with that its subscriptions end. Not known of older ones, which expire within the hour. */
export const accounts: Migration = sqlMigration('Accounts1764500000058', ['ALTER TABLE subscriptions ADD COLUMN username text']);
