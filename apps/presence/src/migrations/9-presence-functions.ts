import { type Migration, sqlMigration } from '@communication-center/service';
import { presenceFunctions as functions } from '../publish-changes/presence-functions.js';

/** A look and a word take one statement each, planned once for a connection; a mark knows the trace of the event behind it. */
export const presenceFunctions: Migration = sqlMigration('PresenceFunctions1764400000001', [
  'ALTER TABLE people_to_look_at ADD COLUMN traceparent text',
  ...functions,
]);
