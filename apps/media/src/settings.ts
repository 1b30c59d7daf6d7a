import { commonSettings, iceServersSetting, numberSetting, replicasSetting } from '@communication-center/service';
import { z } from 'zod';

export const settings = z.object({
  ...commonSettings,
  CALLS_URL: replicasSetting().describe('where the calls service answers; its replicas, separated by commas'),
  PUBLIC_HOST: z.string().default('127.0.0.1').describe('address the media door listens on'),
  PUBLIC_PORT: numberSetting(4001, { max: 65_535 }).describe('port of the media door'),
  MEDIA_NODE: z.string().default('janus-1').describe('name of the media node (one Janus) this service places calls on'),
  JANUS_URL: z.url({ protocol: /^wss?$/ }).describe("the node's WebSocket API"),
  JANUS_API_SECRET: z.string().min(1).meta({ secret: true }).describe('api_secret of janus.jcfg'),
  JANUS_ADMIN_KEY: z
    .string()
    .min(1)
    .meta({ secret: true })
    .describe('admin_key of janus.plugin.videoroom.jcfg: lets only this service make rooms'),
  JANUS_TIMEOUT_MS: numberSetting(5000, { min: 200 })
    .meta({ unit: 'ms' })
    .describe('after so long without an answer Janus counts as hung and is connected anew'),
  ICE_SERVERS: iceServersSetting().describe('JSON list of STUN and TURN servers that clients are told when they join, as RTCIceServer'),
  JOIN_TIMEOUT_MS: numberSetting(10_000, { min: 200 }).meta({ unit: 'ms' }).describe('time a new media socket has to send its join frame'),
  MAX_SOCKETS: numberSetting(5000, { min: 1 }).describe('media sockets one replica serves at most'),
  LEASE_MS: numberSetting(10_000, { min: 500 })
    .meta({ unit: 'ms' })
    .describe('how long a media process counts as alive after it last renewed its lease'),
  HEARTBEAT_MS: numberSetting(10_000, { min: 200 })
    .meta({ unit: 'ms' })
    .describe('how often a media socket is pinged; after two and a half times this without a sign of life it is closed'),
});
export type MediaSettings = z.infer<typeof settings>;
