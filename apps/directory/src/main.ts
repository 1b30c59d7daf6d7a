import { runService } from '@communication-center/service';
import { AppModule } from './app.module.js';
import { directory } from './migrations/1-directory.js';
import { auditAndSipAccounts } from './migrations/2-audit-and-sip-accounts.js';
import { lists } from './migrations/3-lists.js';
import { consumers } from './migrations/4-consumers.js';
import { liveSecrets } from './migrations/5-live-secrets.js';
import { outbox } from './migrations/6-outbox.js';
import { outboxFunctions } from './migrations/7-outbox-functions.js';
import { allowedOrigins } from './migrations/8-allowed-origins.js';
import { outboxRows } from './migrations/9-outbox-rows.js';
import { ends } from './migrations/10-ends.js';
import { sipAlgorithms } from './migrations/11-sip-algorithms.js';
import { laterScopes } from './migrations/12-later-scopes.js';
import { appStates } from './migrations/13-app-states.js';
import { groups } from './migrations/14-groups.js';
import { appendOnly } from './migrations/15-append-only.js';
import { storedBytes } from './migrations/16-stored-bytes.js';
import { timeZones } from './migrations/17-time-zones.js';
import { sealed } from './sealed-columns.js';
import { settings } from './settings.js';

await runService({
  name: 'directory',
  module: AppModule,
  settings,
  migrations: [
    directory,
    auditAndSipAccounts,
    lists,
    consumers,
    liveSecrets,
    outbox,
    outboxFunctions,
    allowedOrigins,
    outboxRows,
    ends,
    sipAlgorithms,
    laterScopes,
    appStates,
    groups,
    appendOnly,
    storedBytes,
    timeZones,
  ],
  sealed,
});
