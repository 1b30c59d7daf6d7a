import { concurrentIndexes, type Migration, sqlMigration } from '@communication-center/service';

/** When a room moved to another media node: replicas look for those that did of late. */
export const movedRooms: Migration = sqlMigration('MovedRooms1764950000091', ['ALTER TABLE rooms ADD COLUMN moved_at timestamptz']);

/** Few rooms ever move. */
export const movedRoomsByTime: Migration = concurrentIndexes('MovedRoomsByTime1764950000092', {
  rooms_moved: 'ON rooms (moved_at) WHERE moved_at IS NOT NULL',
});
