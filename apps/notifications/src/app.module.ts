import { Module } from '@nestjs/common';
import { ContactsProjection } from './contacts/contacts.projection.js';
import { EmailAbsentCalleeOnCallMissed } from './missed-call-email/email-absent-callee-on-call-missed.reaction.js';
import { Mailer } from './missed-call-email/mailer.js';
import { MissedCallEmails } from './missed-call-email/missed-call-emails.js';

@Module({ controllers: [ContactsProjection, EmailAbsentCalleeOnCallMissed], providers: [Mailer, MissedCallEmails] })
export class AppModule {}
