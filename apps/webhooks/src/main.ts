import { runService } from '@communication-center/service';
import { AppModule } from './app.module.js';
import { webhooks } from './migrations/1-webhooks.js';
import { deletedEndpoints, dueByEndpoint } from './migrations/2-due-by-endpoint.js';
import { consumers } from './migrations/3-consumers.js';
import { liveEndpoints } from './migrations/4-live-endpoints.js';
import { outbox } from './migrations/5-outbox.js';
import { outboxFunctions } from './migrations/6-outbox-functions.js';
import { traces } from './migrations/7-traces.js';
import { outboxRows } from './migrations/8-outbox-rows.js';
import { settings } from './settings.js';

await runService({
  name: 'webhooks',
  module: AppModule,
  settings,
  migrations: [webhooks, dueByEndpoint, deletedEndpoints, consumers, liveEndpoints, outbox, outboxFunctions, traces, outboxRows],
});
