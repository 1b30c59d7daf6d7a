import type { Migration } from '@communication-center/service';
import { webhooks } from './1-webhooks.js';
import { deletedEndpoints, dueByEndpoint } from './2-due-by-endpoint.js';
import { consumers } from './3-consumers.js';
import { liveEndpoints } from './4-live-endpoints.js';
import { outbox } from './5-outbox.js';
import { outboxFunctions } from './6-outbox-functions.js';
import { traces } from './7-traces.js';
import { outboxRows } from './8-outbox-rows.js';
import { endpointChanges } from './9-endpoint-changes.js';
import { changesByStatement } from './10-changes-by-statement.js';
import { erasedApps } from './11-erased-apps.js';
import { erasedAppsTimes } from './12-erased-apps-times.js';
import { messages } from './13-messages.js';
import { messageFunctions } from './14-message-functions.js';
import { endpointWishes } from './17-endpoint-wishes.js';
import { eventReaders } from './18-event-readers.js';
import { attemptsAndJobs } from './20-attempts-and-jobs.js';
import { movedEndpoints } from './21-moved-endpoints.js';
import { notedEndpoints } from './22-noted-endpoints.js';

/** All that made the schema what it is, in order. */
export const migrations: Migration[] = [
  webhooks,
  dueByEndpoint,
  deletedEndpoints,
  consumers,
  liveEndpoints,
  outbox,
  outboxFunctions,
  traces,
  outboxRows,
  endpointChanges,
  changesByStatement,
  erasedApps,
  erasedAppsTimes,
  messages,
  messageFunctions,
  endpointWishes,
  eventReaders,
  attemptsAndJobs,
  movedEndpoints,
  notedEndpoints,
];
