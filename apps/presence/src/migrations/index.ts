import type { Migration } from '@communication-center/service';
import { presence } from './1-presence.js';
import { presenceChanges } from './2-presence-changes.js';
import { ages, agesOfCalls } from './3-ages.js';
import { consumers } from './4-consumers.js';
import { buckets, byPerson, replacedIndexes, statuses } from './5-buckets.js';
import { outbox } from './6-outbox.js';
import { outboxFunctions } from './7-outbox-functions.js';
import { outboxRows } from './8-outbox-rows.js';
import { presenceFunctions } from './9-presence-functions.js';
import { turns } from './10-turns.js';
import { erasedApps } from './11-erased-apps.js';
import { visibility } from './12-visibility.js';
import { erasedAppsTimes } from './13-erased-apps-times.js';

/** All that made the schema what it is, in order. */
export const migrations: Migration[] = [
  presence,
  presenceChanges,
  ages,
  agesOfCalls,
  consumers,
  buckets,
  statuses,
  byPerson,
  replacedIndexes,
  outbox,
  outboxFunctions,
  outboxRows,
  presenceFunctions,
  turns,
  erasedApps,
  visibility,
  erasedAppsTimes,
];
