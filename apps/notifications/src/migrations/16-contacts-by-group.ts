import { concurrentIndexes, type Migration } from '@communication-center/service';

/** Rules may be for the users of a group. */
export const contactsByGroup: Migration = concurrentIndexes('ContactsByGroup1764700000086', {
  contacts_by_group: 'ON contacts USING gin (groups) WHERE groups IS NOT NULL',
});
