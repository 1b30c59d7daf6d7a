import { type Migration, sqlMigration } from '@communication-center/service';

export const closedSessions: Migration = sqlMigration('ClosedSessions1764000000031', [
  'CREATE INDEX device_sessions_closed ON device_sessions (closed_at) WHERE closed_at IS NOT NULL',
]);
