import { type Migration, sqlMigration } from '@communication-center/service';

/**
 * When an endpoint was last told to go on from another place: what was tried before that counts no more, and what whoever delivered to it
 * until then knows of how far it is, neither. A release before moves none, and may pass over what comes after the new place if it takes the
 * endpoint up: move endpoints when all replicas are upgraded.
 */
export const movedEndpoints: Migration = sqlMigration('MovedEndpoints1764750000021', [
  'ALTER TABLE endpoints ADD COLUMN moved_at timestamptz',
]);
