import { purgeRows } from '@communication-center/service';
import { Module } from '@nestjs/common';
import { ContactsProjection } from './contacts/contacts.projection.js';
import { EmailAbsentCalleeOnCallMissed } from './missed-call-email/email-absent-callee-on-call-missed.reaction.js';
import { Mailer } from './missed-call-email/mailer.js';
import { MissedCallEmails } from './missed-call-email/missed-call-emails.js';

/** E-mails that have ended stay on record for 30 days: who was told, or why not. */
const oldRows = ["DELETE FROM emails WHERE ended_at < clock_timestamp() - interval '30 days'"];

@Module({ controllers: [ContactsProjection, EmailAbsentCalleeOnCallMissed], providers: [Mailer, MissedCallEmails, purgeRows(oldRows)] })
export class AppModule {}
