import { eraseApps, purgeRows, rowsOfApp } from '@communication-center/service';
import { Module } from '@nestjs/common';
import { ContactsProjection } from './contacts/contacts.projection.js';
import { EmailAbsentCalleeOnCallMissed } from './missed-call-email/email-absent-callee-on-call-missed.reaction.js';
import { Mailer } from './missed-call-email/mailer.js';
import { MissedCallEmails } from './missed-call-email/missed-call-emails.js';
import type { NotificationsSettings } from './settings.js';

const daySeconds = 86_400;

/** E-mails that have ended stay on record for a while: who was told, or why not. */
const oldRows = ({ KEEP_EMAILS_DAYS }: NotificationsSettings) => [
  { table: 'emails', by: 'ended_at', keepSeconds: KEEP_EMAILS_DAYS * daySeconds, only: 'ended_at IS NOT NULL' },
];

/** E-mails that have ended go by their age: nothing tells them by their app. */
const ofApps = [rowsOfApp('contacts'), { table: 'emails', statement: "DELETE FROM emails WHERE app_id = $1 AND state = 'pending'" }];

@Module({
  controllers: [ContactsProjection, EmailAbsentCalleeOnCallMissed],
  providers: [Mailer, MissedCallEmails, purgeRows(oldRows), eraseApps(ofApps)],
})
export class AppModule {}
