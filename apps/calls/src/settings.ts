import { commonSettings, iceServersSetting, numberSetting, replicasSetting } from '@communication-center/service';
import { z } from 'zod';

export const settings = z.object({
  ...commonSettings,
  DIRECTORY_URL: replicasSetting().describe('where the directory service answers; its replicas, separated by commas'),
  MEDIA_PUBLIC_URL: z
    .string()
    .transform((text) => text.split(',').map((url) => url.trim()))
    .pipe(z.array(z.url({ protocol: /^wss?$/ })).min(1))
    .describe('where clients reach the media door; of several doors, separated by commas, each credential names one'),
  MEDIA_CREDENTIAL_SECONDS: numberSetting(300, { min: 10 }).meta({ unit: 's' }).describe('how long a media credential can be used to join'),
  ICE_SERVERS: iceServersSetting().describe(
    'as the media service has it: for clients of earlier releases, which look for STUN and TURN servers beside the credential',
  ),
  CONNECTION_GRACE_MS: numberSetting(30_000, { min: 100 })
    .meta({ unit: 'ms' })
    .describe('how long a device in a call may be without any socket before it is hung up'),
  OUTAGE_AFTER_MS: numberSetting(2000, { min: 1000 })
    .meta({ unit: 'ms' })
    .describe('when no replica has looked for deadlines for so long, those that passed meanwhile were missed in an outage'),
  OUTAGE_GRACE_MS: numberSetting(5000, { min: 0 }).meta({ unit: 'ms' }).describe('time a deadline missed in an outage gets once more'),
  PUBLISH_LAG_LIMIT_MS: numberSetting(5000, { min: 100 })
    .meta({ unit: 'ms' })
    .describe('new dials are refused while the oldest unpublished event is older'),
  KEEP_FINISHED_CALLS_DAYS: numberSetting(0, { min: 0, max: 36_500 })
    .meta({ unit: 'days' })
    .describe(
      'how long after its end a call, its events and its history are kept; a week of calls goes together, up to 9 days later; 0: for ever',
    ),
});
export type CallsSettings = z.infer<typeof settings>;
