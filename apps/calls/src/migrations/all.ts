import type { Migration } from '@communication-center/service';
import { callStore } from './1-call-store.js';
import { deadlinesAndOutcomes } from './2-deadlines-and-outcomes.js';
import { consumers } from './3-consumers.js';
import { closedSessions } from './4-closed-sessions.js';
import { recentCalls } from './5-recent-calls.js';
import { groups } from './6-groups.js';
import { outbox } from './7-outbox.js';
import { partsOfHistory } from './8-parts-of-history.js';
import { outboxFunctions } from './9-outbox-functions.js';
import { deviceOfOutcome } from './10-device-of-outcome.js';
import { decisionFunctions } from './11-decision-functions.js';
import { outboxRows } from './12-outbox-rows.js';
import { keptCalls } from './13-kept-calls.js';
import { eventsByWeek } from './14-events-by-week.js';
import { liveCalls } from './15-live-calls.js';
import { closedApps } from './16-closed-apps.js';
import { erasedAppsTimes } from './17-erased-apps-times.js';
import { failedMedia } from './18-failed-media.js';

/** What makes the service's schema, in order. */
export const migrations: Migration[] = [
  callStore,
  deadlinesAndOutcomes,
  consumers,
  closedSessions,
  recentCalls,
  outbox,
  groups,
  partsOfHistory,
  outboxFunctions,
  deviceOfOutcome,
  decisionFunctions,
  outboxRows,
  keptCalls,
  eventsByWeek,
  liveCalls,
  closedApps,
  erasedAppsTimes,
  failedMedia,
];
