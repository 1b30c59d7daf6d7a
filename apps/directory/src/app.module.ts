import { purgeRows } from '@communication-center/service';
import { Module } from '@nestjs/common';
import { ApiKeyStore } from './api-keys/api-key-store.js';
import { ApiKeysController } from './api-keys/api-keys.controller.js';
import { AppLimitsController } from './app-limits/app-limits.controller.js';
import { AppSecretStore } from './app-secrets/app-secret-store.js';
import { AppSecretsController } from './app-secrets/app-secrets.controller.js';
import { AppStore } from './apps/app-store.js';
import { AppsController } from './apps/apps.controller.js';
import { ActsOnRecordController } from './audit/acts-on-record.controller.js';
import { AuditController } from './audit/audit.controller.js';
import { AuditStreams } from './audit/audit-streams.js';
import { FrequentActs } from './audit/frequent-acts.js';
import { AuthenticateController } from './authenticate/authenticate.controller.js';
import { EndsController } from './ends/ends.controller.js';
import { EraseApps } from './erase-apps/erase-apps.js';
import { RingTokens } from './ring-tokens/ring-tokens.js';
import type { DirectorySettings } from './settings.js';
import { SipAccountStore } from './sip-accounts/sip-account-store.js';
import { SipAccountsController } from './sip-accounts/sip-accounts.controller.js';
import { UserSessionsController } from './user-sessions/user-sessions.controller.js';
import { UserTokensController } from './user-tokens/user-tokens.controller.js';
import { UserTokens } from './user-tokens/user-tokens.js';
import { UserStore } from './users/user-store.js';
import { UsersController } from './users/users.controller.js';

const daySeconds = 86_400;

/** A door that asked for the last time so long ago takes everything for ended. */
const keepEndsSeconds = 3600;

const oldRows = ({ KEEP_AUDIT_DAYS }: DirectorySettings) => [
  { table: 'audit', by: 'at', keepSeconds: KEEP_AUDIT_DAYS * daySeconds },
  { table: 'ends', by: 'at', keepSeconds: keepEndsSeconds },
];

@Module({
  controllers: [
    AppsController,
    AppLimitsController,
    ApiKeysController,
    AppSecretsController,
    UsersController,
    UserTokensController,
    UserSessionsController,
    AuthenticateController,
    AuditController,
    ActsOnRecordController,
    EndsController,
    SipAccountsController,
  ],
  providers: [
    AppStore,
    ApiKeyStore,
    AppSecretStore,
    UserStore,
    UserTokens,
    RingTokens,
    SipAccountStore,
    EraseApps,
    FrequentActs,
    AuditStreams,
    purgeRows(oldRows),
  ],
})
export class AppModule {}
