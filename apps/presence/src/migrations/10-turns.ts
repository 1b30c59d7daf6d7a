import { type Migration, sqlMigration } from '@communication-center/service';
import { turnFunctions } from '../publish-changes/turn-functions.js';

/** What was found of a person is remembered by its turn, and a call's event is told of in one statement. */
export const turns: Migration = sqlMigration('Turns1764500000001', turnFunctions);
