import { type Migration, sqlMigration } from '@communication-center/service';
import { beginFunction } from '../push-ring/begin-function.js';

/** `begin_rings`: writes and claims the pushes of rings. */
export const ringsBegun: Migration = sqlMigration('RingsBegun1764790000101', [beginFunction]);
