import { commonSettings, numberSetting, redisSettings, replicasSetting } from '@communication-center/service';
import { z } from 'zod';

export const settings = z.object({
  ...commonSettings,
  CALLS_URL: replicasSetting().describe('where the calls service answers; its replicas, separated by commas'),
  DIRECTORY_URL: replicasSetting().describe('where the directory service answers; its replicas, separated by commas'),
  ...redisSettings,
  PRESENCE_URL: replicasSetting().describe('where the presence service answers; its replicas, separated by commas'),
  SMTP_URL: z
    .url({ protocol: /^smtps?$/ })
    .optional()
    .meta({ secret: true })
    .describe('mail server, such as smtp://user:password@host:587; without it no e-mail is sent'),
  MAIL_FROM: z.string().min(3).default('Communication Center <no-reply@localhost>').describe('sender of e-mails'),
  MAIL_TIMEOUT_MS: numberSetting(20_000, { min: 500 }).meta({ unit: 'ms' }).describe('how long the mail server has for each step'),
  EMAIL_DEADLINE_SECONDS: numberSetting(3600, { min: 1 })
    .meta({ unit: 's' })
    .describe('a missed call older than this is not told by e-mail any more'),
  EMAILS_PER_HOUR: numberSetting(20, { min: 1, max: 1000 }).describe(
    'e-mails one user gets within an hour at most; missed calls beyond are on record as skipped',
  ),
  KEEP_EMAILS_DAYS: numberSetting(30, { min: 1, max: 3650 })
    .meta({ unit: 'days' })
    .describe('how long an e-mail that has ended stays on record, without its text'),
  RETRY_SCHEDULE_SECONDS: z
    .string()
    .default('0,10,60,300,1800')
    .transform((text) => text.split(',').map(Number))
    .pipe(z.array(z.number().nonnegative()).min(1))
    .meta({ unit: 's' })
    .describe('pause before each attempt to send, the first included, separated by commas'),
});
export type NotificationsSettings = z.infer<typeof settings>;
