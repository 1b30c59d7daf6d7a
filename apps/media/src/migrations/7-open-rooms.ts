import { concurrentIndexes, type Migration } from '@communication-center/service';

/** Rooms that nobody closed, since their replica died, are found by their age. */
export const openRooms: Migration = concurrentIndexes('OpenRooms1764300000048', {
  rooms_open: 'ON rooms (created_at) WHERE closed_at IS NULL',
});
