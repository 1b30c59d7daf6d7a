import { commonSettings, flagSetting } from '@communication-center/service';
import { z } from 'zod';

export const settings = z.object({
  ...commonSettings,
  OPERATOR_KEY: z.string().min(32).meta({ secret: true }).describe('bootstrap key of whoever runs the Center: makes apps and their first keys'),
  SECRETS_KEY: z
    .base64()
    .refine((text) => Buffer.from(text, 'base64').length === 32, { message: 'must be 32 bytes in base64' })
    .meta({ secret: true })
    .describe("32 bytes in base64 that seal the apps' signing secrets at rest (AES-256-GCM)"),
  ALLOW_BARE_ALIAS: flagSetting(false).describe('whether any app may be set to trust a bare alias; for development only'),
});
export type DirectorySettings = z.infer<typeof settings>;
