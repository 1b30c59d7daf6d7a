import { consumerTables } from '@communication-center/event-log';
import { type Migration, sqlMigration } from '@communication-center/service';

/** Parked events lie beside their keys, and a rebuild has somewhere to note how far it came. */
export const consumers: Migration = sqlMigration('Consumers1764000000021', [...consumerTables]);
