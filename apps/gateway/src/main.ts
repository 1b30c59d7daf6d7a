import { runService } from '@communication-center/service';
import { AppModule } from './app.module.js';
import { gateway } from './migrations/1-gateway.js';
import { sessionChanges } from './migrations/2-session-changes.js';
import { consumers } from './migrations/3-consumers.js';
import { outbox } from './migrations/4-outbox.js';
import { outboxFunctions } from './migrations/5-outbox-functions.js';
import { outboxRows } from './migrations/6-outbox-rows.js';
import { settings } from './settings.js';

await runService({
  name: 'gateway',
  module: AppModule,
  settings,
  migrations: [gateway, sessionChanges, consumers, outbox, outboxFunctions, outboxRows],
});
