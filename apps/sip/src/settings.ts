import { clientSettings, commonSettings, keyRingSetting, numberSetting, replicasSetting } from '@communication-center/service';
import { sharingSettings } from '@communication-center/service/fair-share';
import { z } from 'zod';

export const settings = z.object({
  ...commonSettings,
  DIRECTORY_URL: replicasSetting().describe('where the directory service answers; its replicas, separated by commas'),
  PRESENCE_URL: replicasSetting().describe('where the presence service answers; its replicas, separated by commas'),
  ...clientSettings,
  ...sharingSettings,
  SIP_HOST: z.string().default('127.0.0.1').describe('address SIP is spoken on, over UDP, TCP and TLS'),
  SIP_PORT: numberSetting(5060, { min: 1, max: 65_535 }).describe('port SIP is spoken on, over UDP and TCP'),
  SIP_TLS_PORT: numberSetting(0, { max: 65_535 }).describe('port SIP is spoken on over TLS (SIPS), usually 5061; 0 for none'),
  SIP_TLS_CERT_FILE: z
    .string()
    .optional()
    .describe('PEM file of the certificate phones are shown over TLS, with those that lead to its root; read again when it changes'),
  SIP_TLS_KEY_FILE: z.string().optional().describe('PEM file of its private key'),
  SIP_PUBLIC_HOST: z
    .string()
    .regex(/^[A-Za-z0-9.:[\]-]+$/)
    .default('127.0.0.1')
    .describe('address phones reach this very replica at; its subscriptions are known by it and SIP_PORT'),
  NONCE_KEY: keyRingSetting(32, { orMore: true }).describe(
    'at least 32 bytes in base64 that sign the nonces of digest authentication, with an id before them, such as 2026-11:…; of several, separated by commas, the first signs and each is believed; the same for all replicas',
  ),
  NONCE_SECONDS: numberSetting(300, { min: 5 }).meta({ unit: 's' }).describe('how long a nonce may be used'),
  MIN_EXPIRES_SECONDS: numberSetting(60, { min: 1 }).meta({ unit: 's' }).describe('the shortest subscription that is taken'),
  MAX_EXPIRES_SECONDS: numberSetting(3600, { min: 60 }).meta({ unit: 's' }).describe('the longest subscription that is given'),
  MAX_SUBSCRIPTIONS: numberSetting(20_000, { min: 1 }).describe('subscriptions one replica serves at most'),
  SUBSCRIPTIONS_PER_APP: numberSetting(10_000, { min: 1 }).describe('how many of these may be of one app'),
  MAX_CONNECTIONS: numberSetting(2000, { min: 1 }).describe('connections one replica serves at most over TCP, and over TLS as many'),
});
export type SipSettings = z.infer<typeof settings>;
