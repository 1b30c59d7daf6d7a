import type { MessageChannel } from '@communication-center/contracts';
import type { Chain, Facts } from '../domain/next-act.js';
import type { ClaimedMessage } from './message-rows.js';

/** What is known beside the row. */
export interface Around {
  /** Whether the app pushes at all. */
  pushes: boolean;
  /** Whether the installation has a mail server for apps without one. */
  mails: boolean;
  /** E-mails one user gets within an hour at most. */
  emailsPerHour: number;
  /** SMS one user gets within an hour at most. */
  smsPerHour: number;
}

export const chainOf = ({ rule, about, step, until }: ClaimedMessage): Chain => ({
  steps: rule.steps,
  when: rule.when,
  quietHours: rule.quietHours,
  about,
  step,
  until: until.getTime(),
});

/** @returns what {@link nextAct} asks, of a row that was claimed just now. */
export function factsOf(message: ClaimedMessage, around: Around): Facts {
  const closed: Facts['closed'] = {};
  const push = againstPush(message, around);
  const email = againstEmail(message, around);
  if (push) closed.push = push;
  if (email) closed.email = email;
  const sms = againstSms(message, around);
  if (sms) closed.sms = sms;
  return {
    now: message.now,
    online: message.online,
    rang: message.rang,
    doNotDisturb: message.receiver?.doNotDisturb ?? false,
    timeZone: message.receiver?.timeZone ?? null,
    reached: message.reached ?? (message.opened ? 'opened' : null),
    closed,
  };
}

const wishesNone = ({ wishes }: ClaimedMessage, channel: MessageChannel) => wishes?.[channel] === false;

function againstPush(message: ClaimedMessage, { pushes }: Around): string | undefined {
  if (message.address !== null) return 'what a rule names by itself gets no pushes';
  if (wishesNone(message, 'push')) return 'the user wishes no pushes';
  if (!pushes) return 'the app has no credentials for pushes';
  return message.devices === null ? 'no device of the user is registered for pushes' : undefined;
}

function againstEmail(message: ClaimedMessage, { mails, emailsPerHour }: Around): string | undefined {
  if (emailOf(message) === null) return 'the user has no e-mail address';
  if (wishesNone(message, 'email')) return 'the user wishes no e-mails';
  if (message.mail_server === null && !mails) return 'the app has no mail server, and SMTP_URL is not set';
  if (message.refused !== null) return `the address was refused for good: ${message.refused}`;
  if (message.lately >= emailsPerHour) return `the user got ${emailsPerHour} e-mails within the hour, as many as one may`;
  return undefined;
}

function againstSms(message: ClaimedMessage, { smsPerHour }: Around): string | undefined {
  if (phoneOf(message) === null) return 'the user has no phone number';
  if (wishesNone(message, 'sms')) return 'the user wishes no SMS';
  if (message.sms_server === null) return 'the app has neither an SMSC nor an account at Twilio';
  if (message.refused_number !== null) return `the number was refused for good: ${message.refused_number}`;
  if (message.sms_lately >= smsPerHour) return `the user got ${smsPerHour} SMS within the hour, as many as one may`;
  return undefined;
}

export const phoneOf = ({ address, receiver }: ClaimedMessage): string | null => address?.phone ?? receiver?.phone ?? null;
export const emailOf = ({ address, receiver }: ClaimedMessage): string | null => address?.email ?? receiver?.email ?? null;
