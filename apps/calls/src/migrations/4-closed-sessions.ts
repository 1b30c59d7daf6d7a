import { concurrentIndexes, type Migration } from '@communication-center/service';

export const closedSessions: Migration = concurrentIndexes('ClosedSessions1764000000031', {
  device_sessions_closed: 'ON device_sessions (closed_at) WHERE closed_at IS NOT NULL',
});
