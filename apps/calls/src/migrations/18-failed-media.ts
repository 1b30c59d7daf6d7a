import { type Migration, sqlMigration } from '@communication-center/service';

/** A media deadline may be due since nothing ever came through of a device, and say why. */
export const failedMedia: Migration = sqlMigration('FailedMedia1764950000096', [
  'ALTER TABLE deadlines ADD COLUMN failed_device text, ADD COLUMN failure text',
]);
