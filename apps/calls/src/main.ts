import { runService } from '@communication-center/service';
import { AppModule } from './app.module.js';
import { callStore } from './migrations/1-call-store.js';
import { deadlinesAndOutcomes } from './migrations/2-deadlines-and-outcomes.js';
import { consumers } from './migrations/3-consumers.js';
import { closedSessions } from './migrations/4-closed-sessions.js';
import { recentCalls } from './migrations/5-recent-calls.js';
import { outbox } from './migrations/7-outbox.js';
import { neverGiven } from './read-calls/never-given.js';
import { repairIn } from './read-calls/repair.js';
import { settings } from './settings.js';

await runService({
  name: 'calls',
  module: AppModule,
  settings,
  migrations: [callStore, deadlinesAndOutcomes, consumers, closedSessions, recentCalls, outbox],
  store: { repairIn, neverGiven },
});
