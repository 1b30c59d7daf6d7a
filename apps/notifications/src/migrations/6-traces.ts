import { type Migration, sqlMigration } from '@communication-center/service';

/** Whatever is tried again goes on with the trace of its event. */
export const traces: Migration = sqlMigration('Traces1764300000001', ['ALTER TABLE emails ADD COLUMN traceparent text']);
