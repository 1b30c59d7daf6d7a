import { runService } from '@communication-center/service';
import { AppModule } from './app.module.js';
import { subscriptions } from './migrations/1-subscriptions.js';
import { expiredSubscriptions } from './migrations/2-expired-subscriptions.js';
import { consumers } from './migrations/3-consumers.js';
import { outbox } from './migrations/4-outbox.js';
import { outboxFunctions } from './migrations/5-outbox-functions.js';
import { outboxRows } from './migrations/6-outbox-rows.js';
import { accounts } from './migrations/7-accounts.js';
import { noncesAndDialogs } from './migrations/8-nonces-and-dialogs.js';
import { settings } from './settings.js';

await runService({
  name: 'sip',
  module: AppModule,
  settings,
  migrations: [subscriptions, expiredSubscriptions, consumers, outbox, outboxFunctions, outboxRows, accounts, noncesAndDialogs],
});
