import { commonSettings, numberSetting, replicasSetting } from '@communication-center/service';
import { z } from 'zod';

export const settings = z.object({
  ...commonSettings,
  CALLS_URL: replicasSetting().describe('where the calls service answers; its replicas, separated by commas'),
  DIRECTORY_URL: replicasSetting().describe('where the directory service answers; its replicas, separated by commas'),
  STREAM_HEARTBEAT_MS: numberSetting(15_000, { min: 200 })
    .meta({ unit: 'ms' })
    .describe('how often a presence stream shows that it lives, and looks by itself for what is new'),
  KEEP_CHANGES_HOURS: numberSetting(24, { min: 1, max: 720 })
    .meta({ unit: 'hours' })
    .describe('how long changes are kept for stream readers who come back'),
  KEEP_CHANGES_PER_BUCKET: numberSetting(20_000, { min: 100 }).describe(
    "changes that are kept at most of each of the sixteen parts of an app's people, however young they are",
  ),
  MAX_STREAMS: numberSetting(1000, { min: 1 }).describe('presence streams one replica serves at most'),
  MAX_STREAMS_PER_APP: numberSetting(500, { min: 1 }).describe('presence streams of one app that a replica serves at most'),
});
export type PresenceSettings = z.infer<typeof settings>;
