import { eraseApps, purgeRows, rowsOfApp } from '@communication-center/service';
import { Module } from '@nestjs/common';
import { ApnsChannel } from './channels/apns-channel.js';
import { FcmChannel } from './channels/fcm-channel.js';
import { PushChannels } from './channels/push-channels.js';
import { WebPushChannel } from './channels/web-push-channel.js';
import { ContactsProjection } from './contacts/contacts.projection.js';
import { CredentialStore } from './credentials/credential-store.js';
import { CredentialsController } from './credentials/credentials.controller.js';
import { KnownCredentials } from './credentials/known-credentials.js';
import { RegistrationStore } from './devices/registration-store.js';
import { RegistrationsController } from './devices/registrations.controller.js';
import { LiveSessionsProjection } from './live-sessions/live-sessions.projection.js';
import { EmailAbsentCalleeOnCallMissed } from './missed-call-email/email-absent-callee-on-call-missed.reaction.js';
import { Mailer } from './missed-call-email/mailer.js';
import { MissedCallEmails } from './missed-call-email/missed-call-emails.js';
import { FollowCalls } from './push-ring/follow-calls.js';
import { NotificationsController } from './push-ring/notifications.controller.js';
import { ProviderWords } from './push-ring/provider-words.js';
import { PushRings } from './push-ring/push-rings.js';
import { RingTokens } from './push-ring/ring-tokens.js';
import type { NotificationsSettings } from './settings.js';

const hourSeconds = 3600;
const daySeconds = 86_400;

/** What has ended stays on record for a while: who was told, or why not. Devices nobody has seen for long are forgotten. */
const oldRows = ({ KEEP_EMAILS_DAYS, KEEP_PUSHES_DAYS, KEEP_UNSEEN_DEVICES_DAYS }: NotificationsSettings) => [
  { table: 'emails', by: 'ended_at', keepSeconds: KEEP_EMAILS_DAYS * daySeconds, only: 'ended_at IS NOT NULL' },
  { table: 'ring_pushes', by: 'created_at', keepSeconds: KEEP_PUSHES_DAYS * daySeconds },
  { table: 'push_registrations', by: 'seen_at', keepSeconds: KEEP_UNSEEN_DEVICES_DAYS * daySeconds },
  { table: 'live_sessions', by: 'closed_at', keepSeconds: hourSeconds, only: 'closed_at IS NOT NULL' },
];

/** E-mails that have ended go by their age: nothing tells them by their app. */
const ofApps = [
  rowsOfApp('contacts'),
  rowsOfApp('push_registrations'),
  rowsOfApp('push_credentials'),
  rowsOfApp('ring_pushes'),
  { table: 'emails', statement: "DELETE FROM emails WHERE app_id = $1 AND state = 'pending'" },
];

@Module({
  controllers: [
    ContactsProjection,
    LiveSessionsProjection,
    EmailAbsentCalleeOnCallMissed,
    RegistrationsController,
    CredentialsController,
    NotificationsController,
  ],
  providers: [
    Mailer,
    MissedCallEmails,
    RegistrationStore,
    CredentialStore,
    KnownCredentials,
    ApnsChannel,
    FcmChannel,
    WebPushChannel,
    PushChannels,
    ProviderWords,
    RingTokens,
    PushRings,
    FollowCalls,
    purgeRows(oldRows),
    eraseApps(ofApps),
  ],
})
export class AppModule {}
