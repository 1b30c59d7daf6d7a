import { commonSettings, numberSetting, replicasSetting } from '@communication-center/service';
import { z } from 'zod';

export const settings = z.object({
  ...commonSettings,
  CALLS_URL: replicasSetting().describe('where the calls service answers; its replicas, separated by commas'),
  KEEP_USAGE_DAYS: numberSetting(400, { min: 1, max: 3650 }).meta({ unit: 'days' }).describe('how long a call counts after its end'),
});
export type BillingSettings = z.infer<typeof settings>;
