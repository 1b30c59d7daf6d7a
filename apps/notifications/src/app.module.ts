import {
  eraseApps,
  Identity,
  Postgres,
  purgeRows,
  QuietCollection,
  Replicas,
  Report,
  type ReportError,
  rowsOfApp,
  ServiceClient,
  Settings,
  whenIdle,
} from '@communication-center/service';
import { Module } from '@nestjs/common';
import { ApnsChannel } from './channels/apns-channel.js';
import { FcmChannel } from './channels/fcm-channel.js';
import { PushChannels } from './channels/push-channels.js';
import { WebPushChannel } from './channels/web-push-channel.js';
import { ContactMails } from './contact-mails/contact-mails.js';
import { TellContact } from './contact-mails/tell-contact.reaction.js';
import { ContactsProjection } from './contacts/contacts.projection.js';
import { CredentialStore } from './credentials/credential-store.js';
import { CredentialsController } from './credentials/credentials.controller.js';
import { KnownCredentials } from './credentials/known-credentials.js';
import { RegistrationStore } from './devices/registration-store.js';
import { RegistrationsController } from './devices/registrations.controller.js';
import { LiveSessionsProjection } from './live-sessions/live-sessions.projection.js';
import { ChannelCredentialStore } from './mail/channel-credential-store.js';
import { ChannelCredentialsController } from './mail/channel-credentials.controller.js';
import { Mail } from './mail/mail-channel.js';
import { HandOver } from './messages/hand-over.js';
import { Messages } from './messages/messages.js';
import { TellByRules } from './messages/tell-by-rules.reaction.js';
import { PreferenceStore } from './preferences/preference-store.js';
import { PreferencesController } from './preferences/preferences.controller.js';
import { UnsubscribeLinks } from './preferences/unsubscribe-links.js';
import { FollowCalls } from './push-ring/follow-calls.js';
import { NotificationLogController } from './push-ring/notification-log.controller.js';
import { NotificationLogStore } from './push-ring/notification-log.js';
import { NotificationsController } from './push-ring/notifications.controller.js';
import { ProviderWords } from './push-ring/provider-words.js';
import { PushRings } from './push-ring/push-rings.js';
import { RingTokens } from './push-ring/ring-tokens.js';
import { RuleStore } from './rules/rule-store.js';
import { RulesController } from './rules/rules.controller.js';
import type { NotificationsSettings } from './settings.js';
import { SmppChannel } from './sms/smpp-channel.js';
import { Sms } from './sms/sms.js';
import { SmsReceipts } from './sms/sms-receipts.js';
import { SmsStatusController } from './sms/sms-status.controller.js';
import { SmsStatusLinks } from './sms/sms-status-links.js';
import { SmscLines } from './sms/smsc-lines.js';
import { TwilioChannel } from './sms/twilio-channel.js';
import { TemplateStore } from './templates/template-store.js';
import { TemplatesController } from './templates/templates.controller.js';

const hourSeconds = 3600;
const daySeconds = 86_400;

/** What has ended stays on record for a while: who was told, or why not. Devices nobody has seen for long are forgotten. */
const oldRows = (settings: NotificationsSettings) => [
  { table: 'messages', by: 'ended_at', keepSeconds: settings.KEEP_NOTIFICATIONS_DAYS * daySeconds, only: 'ended_at IS NOT NULL' },
  { table: 'sent_notifications', by: 'ended_at', keepSeconds: settings.KEEP_NOTIFICATIONS_DAYS * daySeconds },
  { table: 'sms_parts', by: 'created_at', keepSeconds: settings.KEEP_NOTIFICATIONS_DAYS * daySeconds },
  { table: 'refused_addresses', by: 'refused_at', keepSeconds: settings.REFUSED_ADDRESS_DAYS * daySeconds },
  { table: 'contact_mails', by: 'ended_at', keepSeconds: settings.KEEP_NOTIFICATIONS_DAYS * daySeconds, only: 'ended_at IS NOT NULL' },
  { table: 'ring_pushes', by: 'created_at', keepSeconds: settings.KEEP_PUSHES_DAYS * daySeconds },
  { table: 'push_registrations', by: 'seen_at', keepSeconds: settings.KEEP_UNSEEN_DEVICES_DAYS * daySeconds },
  { table: 'live_sessions', by: 'closed_at', keepSeconds: hourSeconds, only: 'closed_at IS NOT NULL' },
];

const ofApps = [
  rowsOfApp('contacts'),
  rowsOfApp('push_registrations'),
  rowsOfApp('push_credentials'),
  rowsOfApp('ring_pushes'),
  rowsOfApp('notification_logs'),
  rowsOfApp('notification_rules'),
  rowsOfApp('notification_templates'),
  rowsOfApp('preferences'),
  rowsOfApp('channel_credentials'),
  rowsOfApp('sent_notifications'),
  rowsOfApp('refused_addresses'),
  rowsOfApp('contact_mails'),
  rowsOfApp('sms_parts'),
  // What has ended goes by its age: nothing tells it by its app.
  { table: 'messages', statement: "DELETE FROM messages WHERE app_id = $1 AND state = 'pending'" },
];

/** The directory says whom of an app to write to. */
const contactMails = {
  provide: ContactMails,
  inject: [Postgres, Mail, Identity, Settings, Report],
  useFactory: (database: Postgres, mail: Mail, identity: Identity, settings: NotificationsSettings, report: ReportError) =>
    new ContactMails(database, mail, new ServiceClient(identity, 'directory', new Replicas(settings.DIRECTORY_URL)), settings, report),
};

@Module({
  controllers: [
    ContactsProjection,
    LiveSessionsProjection,
    TellByRules,
    TellContact,
    RegistrationsController,
    CredentialsController,
    NotificationLogController,
    NotificationsController,
    RulesController,
    TemplatesController,
    PreferencesController,
    ChannelCredentialsController,
    SmsStatusController,
  ],
  providers: [
    ChannelCredentialStore,
    Mail,
    SmsReceipts,
    SmsStatusLinks,
    SmscLines,
    SmppChannel,
    TwilioChannel,
    Sms,
    TemplateStore,
    RuleStore,
    PreferenceStore,
    UnsubscribeLinks,
    HandOver,
    Messages,
    contactMails,
    RegistrationStore,
    CredentialStore,
    KnownCredentials,
    ApnsChannel,
    FcmChannel,
    WebPushChannel,
    PushChannels,
    ProviderWords,
    RingTokens,
    NotificationLogStore,
    PushRings,
    FollowCalls,
    { provide: QuietCollection, useFactory: () => new QuietCollection(whenIdle) },
    purgeRows(oldRows),
    eraseApps(ofApps),
  ],
})
export class AppModule {}
