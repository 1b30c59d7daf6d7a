import { commonSettings, developmentSetting, numberSetting, replicasSetting, secretsKeySetting } from '@communication-center/service';
import { z } from 'zod';
import { operatorKeySetting } from './authenticate/operator-keys.js';

export const settings = z.object({
  ...commonSettings,
  PRESENCE_URL: replicasSetting().describe('where the presence service answers; its replicas, separated by commas'),
  OPERATOR_KEY: operatorKeySetting,
  KEEP_AUDIT_DAYS: numberSetting(730, { min: 1, max: 36_500 }).meta({ unit: 'days' }).describe('how long acts of admins stay on record'),
  MAX_TOKEN_SECONDS: numberSetting(86_400, { min: 60, max: 2_592_000 })
    .meta({ unit: 's' })
    .describe('the longest life of a user token: one that says more signs nobody in'),
  SECRETS_KEY: secretsKeySetting,
  ALLOW_BARE_ALIAS: developmentSetting().describe('whether any app may be set to trust a bare alias; for development only'),
});
export type DirectorySettings = z.infer<typeof settings>;
