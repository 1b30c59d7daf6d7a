import { addressSettings, commonSettings, numberSetting, replicasSetting, secretsKeySetting } from '@communication-center/service';
import { z } from 'zod';
import { standardScheduleSeconds } from './domain/retry-schedule.js';

export const settings = z.object({
  ...commonSettings,
  CALLS_URL: replicasSetting().describe('where the calls service answers; its replicas, separated by commas'),
  DIRECTORY_URL: replicasSetting().describe('where the directory service answers; its replicas, separated by commas'),
  SECRETS_KEY: secretsKeySetting,
  ...addressSettings,
  REQUEST_TIMEOUT_MS: numberSetting(15_000, { min: 100 }).meta({ unit: 'ms' }).describe('how long an endpoint has to answer'),
  RETRY_SCHEDULE_SECONDS: z
    .string()
    .default(standardScheduleSeconds.join(','))
    .transform((text) => text.split(',').map(Number))
    .pipe(z.array(z.number().nonnegative()).min(1))
    .meta({ unit: 's' })
    .describe('pause before each attempt, the first included, separated by commas'),
  KEEP_MESSAGES_DAYS: numberSetting(30, { min: 1, max: 3650 })
    .meta({ unit: 'days' })
    .describe(
      'how long the messages of an app that has an endpoint, a consumer or the option eventLog are kept, and what waits for an endpoint that takes nothing',
    ),
  DISABLE_AFTER_SECONDS: numberSetting(432_000, { min: 1 })
    .meta({ unit: 's' })
    .describe('an endpoint to which nothing could be delivered for so long is disabled'),
  KEEP_DELIVERIES_DAYS: numberSetting(30, { min: 1, max: 3650 })
    .meta({ unit: 'days' })
    .describe('how long the attempts of a delivery stay on record'),
  MAX_ENDPOINTS: numberSetting(100, { min: 1 }).describe('endpoints an app has at most'),
  MAX_CONSUMERS: numberSetting(50, { min: 1 }).describe('named readers of its events that an app has at most'),
  MAX_EVENT_READERS: numberSetting(1000, { min: 1 }).describe('streams of events, and requests that wait for one, of a replica at most'),
  MAX_EVENT_READERS_PER_APP: numberSetting(50, { min: 1 }).describe('of those, of one app'),
  STREAM_HEARTBEAT_MS: numberSetting(15_000, { min: 200 })
    .meta({ unit: 'ms' })
    .describe('how often a stream of events shows that it lives, and says how far it is'),
  LANE_CONCURRENCY: numberSetting(8, { min: 1 }).describe('deliveries under way to one endpoint at a time'),
  REQUESTS_AT_ONCE: numberSetting(1000, { min: 2 }).describe(
    'requests to endpoints that a process has under way at a time; an app has at most as many of them as are left free for others',
  ),
  REPLAYS_PER_SECOND: numberSetting(100, { min: 1 }).describe(
    'messages a second that a process hands to endpoints again for jobs, of all apps',
  ),
  LANE_LENGTH: numberSetting(200, { min: 2 }).describe('deliveries waiting in memory for one endpoint; more wait in the database'),
});
export type WebhooksSettings = z.infer<typeof settings>;
