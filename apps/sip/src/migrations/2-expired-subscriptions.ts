import { type Migration, sqlMigration } from '@communication-center/service';

export const expiredSubscriptions: Migration = sqlMigration('ExpiredSubscriptions1764000000011', [
  'CREATE INDEX subscriptions_expires ON subscriptions (expires_at)',
]);
