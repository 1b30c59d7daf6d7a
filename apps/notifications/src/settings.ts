import {
  addressSettings,
  commonSettings,
  numberSetting,
  redisSettings,
  replicasSetting,
  secretsKeySetting,
} from '@communication-center/service';
import { z } from 'zod';

const hostSetting = (byDefault: string) =>
  z
    .string()
    .regex(/^[A-Za-z0-9.-]+:\d{1,5}$/, 'write a host and a port, such as api.push.apple.com:443')
    .default(byDefault);

export const settings = z.object({
  ...commonSettings,
  CALLS_URL: replicasSetting().describe('where the calls service answers; its replicas, separated by commas'),
  DIRECTORY_URL: replicasSetting().describe('where the directory service answers; its replicas, separated by commas'),
  ...redisSettings,
  SECRETS_KEY: secretsKeySetting,
  ...addressSettings,
  APNS_HOST: hostSetting('api.push.apple.com:443').describe('where Apple takes pushes for apps of its store'),
  APNS_DEVELOPMENT_HOST: hostSetting('api.sandbox.push.apple.com:443').describe('where Apple takes pushes for apps in development'),
  GOOGLE_HOST: hostSetting('fcm.googleapis.com:443').describe(
    'where Firebase takes pushes; of another host than fcm.googleapis.com access tokens are asked for as well',
  ),
  PUSH_CA_FILE: z.string().optional().describe('PEM file of certificates that are trusted beside the usual ones by what pushes'),
  PUSH_TIMEOUT_MS: numberSetting(5000, { min: 100, max: 30_000 })
    .meta({ unit: 'ms' })
    .describe('how long a provider has for each request; the ring’s deadline ends it earlier'),
  PUSH_CONCURRENCY: numberSetting(512, { min: 1, max: 2000 }).describe(
    'pushes of one app under way at one provider at a time at most, in each replica; fewer where it answers at once',
  ),
  PUSH_WAITING: numberSetting(5000, { min: 10, max: 100_000 }).describe(
    'pushes of one app that wait in memory for one provider; more wait in the database',
  ),
  PUSH_UNCONFIRMED_MS: numberSetting(2000, { min: 200, max: 60_000 })
    .meta({ unit: 'ms' })
    .describe('a device with an open socket that has not said for so long that it rings is pushed to as well'),
  KEEP_UNSEEN_DEVICES_DAYS: numberSetting(60, { min: 1, max: 3650 })
    .meta({ unit: 'days' })
    .describe('a device that has not registered for so long is pushed to no more'),
  KEEP_PUSHES_DAYS: numberSetting(30, { min: 1, max: 3650 }).meta({ unit: 'days' }).describe('how long a push stays on record'),
  SMTP_URL: z
    .url({ protocol: /^smtps?$/ })
    .optional()
    .meta({ secret: true })
    .describe('mail server, such as smtp://user:password@host:587, of apps without one of their own; without it these send no e-mail'),
  MAIL_FROM: z.string().min(3).default('Communication Center <no-reply@localhost>').describe('sender of e-mails'),
  MAIL_TIMEOUT_MS: numberSetting(20_000, { min: 500 }).meta({ unit: 'ms' }).describe('how long the mail server has for each step'),
  PUBLIC_URL: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe(
      'where the gateway is reached from outside, for the links in e-mails that end them, and for what Twilio says of SMS; without it they have none, and Twilio says nothing',
    ),
  MESSAGES_PER_SECOND: numberSetting(20, { min: 1, max: 10_000 }).describe(
    'notifications of one app that are handed over within a second, in each replica; rings are not among them',
  ),
  TWILIO_HOST: hostSetting('api.twilio.com:443').describe('where Twilio takes SMS'),
  SMS_TIMEOUT_MS: numberSetting(10_000, { min: 500, max: 60_000 })
    .meta({ unit: 'ms' })
    .describe('how long an SMSC or Twilio has for each answer; a connection that gives none is made anew'),
  SMPP_KEEP_SECONDS: numberSetting(3600, { min: 10, max: 172_800 })
    .meta({ unit: 's' })
    .describe('for so long after an SMS the connection to its SMSC is kept, for the receipt'),
  SMS_PER_HOUR: numberSetting(10, { min: 1, max: 1000 }).describe(
    'SMS one user gets within an hour at most; what is beyond is on record as cancelled',
  ),
  EMAILS_PER_HOUR: numberSetting(20, { min: 1, max: 1000 }).describe(
    'e-mails one user gets within an hour at most; what is beyond is on record as cancelled',
  ),
  KEEP_NOTIFICATIONS_DAYS: numberSetting(30, { min: 1, max: 3650 })
    .meta({ unit: 'days' })
    .describe('how long a notification that has ended stays on record, without its text'),
  REFUSED_ADDRESS_DAYS: numberSetting(30, { min: 1, max: 3650 })
    .meta({ unit: 'days' })
    .describe('for so long nothing is sent to an address that was refused for good'),
  RETRY_SCHEDULE_SECONDS: z
    .string()
    .default('0,10,60,300,1800')
    .transform((text) => text.split(',').map(Number))
    .pipe(z.array(z.number().nonnegative()).min(1))
    .meta({ unit: 's' })
    .describe('pause before each attempt to send, the first included, separated by commas'),
});
export type NotificationsSettings = z.infer<typeof settings>;
