import { type Migration, sqlMigration } from '@communication-center/service';
import { decisionFunctions as functions } from '../decide-in-groups/functions.js';

export const decisionFunctions: Migration = sqlMigration('DecisionFunctions1764240000110', functions);
