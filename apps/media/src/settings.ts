import { recordingStorageBodySchema } from '@communication-center/contracts/recordings';
import {
  addressSettings,
  clientSettings,
  commonSettings,
  flagSetting,
  iceServersSetting,
  numberSetting,
  replicasSetting,
  secretsKeySetting,
} from '@communication-center/service';
import { sharingSettings } from '@communication-center/service/fair-share';
import { z } from 'zod';

const listOf = <T extends z.ZodType<string, string>>(item: T) =>
  z
    .string()
    .transform((text) => text.split(',').map((one) => one.trim()))
    .pipe(z.array(item).min(1));

/** How long recordings may be kept, in days, whatever is set. */
export const longestKeptDays = 3650;

export const settings = z.object({
  ...commonSettings,
  CALLS_URL: replicasSetting().describe('where the calls service answers; its replicas, separated by commas'),
  DIRECTORY_URL: replicasSetting().describe('where the directory service answers; its replicas, separated by commas'),
  ...clientSettings,
  ...sharingSettings,
  PUBLIC_HOST: z.string().default('127.0.0.1').describe('address the media door listens on'),
  PUBLIC_PORT: numberSetting(4001, { max: 65_535 }).describe('port of the media door'),
  JANUS_URL: listOf(z.url({ protocol: /^wss?$/ })).describe(
    'the WebSocket API of each media node (one Janus each), separated by commas; calls are placed on the one that carries least',
  ),
  MEDIA_NODE: listOf(z.string().regex(/^[\w.-]{1,64}$/, 'use letters, digits, dots and hyphens'))
    .default([])
    .describe('names of the media nodes, in the order of JANUS_URL, separated by commas; `janus-1`, `janus-2` and so on unless told'),
  DRAINED_NODES: listOf(z.string())
    .default([])
    .describe('names of media nodes that are to be empty, separated by commas: their calls move to the others, nothing is lost meanwhile'),
  RESUME_MS: numberSetting(30_000, { min: 0, max: 60_000 })
    .meta({ unit: 'ms' })
    .describe(
      "how long a device's media go on when its media socket broke, for it to come back; Janus' reclaim_session_timeout is to be longer",
    ),
  DRAIN_MS: numberSetting(5000, { min: 0, max: 60_000 })
    .meta({ unit: 'ms' })
    .describe('how long a replica that stops waits for its devices to have joined elsewhere'),
  JANUS_API_SECRET: z.string().min(1).meta({ secret: true }).describe('api_secret of janus.jcfg'),
  JANUS_ADMIN_KEY: z
    .string()
    .min(1)
    .meta({ secret: true })
    .describe('admin_key of janus.plugin.videoroom.jcfg: lets only this service make rooms'),
  JANUS_TIMEOUT_MS: numberSetting(5000, { min: 200 })
    .meta({ unit: 'ms' })
    .describe('after so long without an answer Janus counts as hung and is connected anew'),
  ICE_SERVERS: iceServersSetting().describe(
    'JSON list of STUN and TURN servers that clients are told when they join, as RTCIceServer; those with a password of theirs that everybody is told are better named in TURN_URLS',
  ),
  TURN_URLS: z
    .string()
    .optional()
    .transform((text) => (text === undefined ? [] : text.split(',').map((url) => url.trim())))
    .pipe(z.array(z.string().regex(/^turns?:[^\s,]+$/, 'use turn:host:port or turns:host:port')))
    .describe('TURN servers that share TURN_SECRET, separated by commas, such as turn:turn.example.com:3478?transport=udp'),
  TURN_SECRET: z
    .string()
    .transform((text) => text.split(',').map((secret) => secret.trim()))
    .pipe(z.array(z.string().min(16, 'each secret must have at least 16 characters')))
    .optional()
    .meta({ secret: true, isList: true })
    .describe(
      "coturn's static-auth-secret, with which each user who joins gets TURN credentials of its own; of several, separated by commas, the first is used",
    ),
  TURN_CREDENTIAL_SECONDS: numberSetting(900, { min: 60, max: 86_400 })
    .meta({ unit: 's' })
    .describe('how long TURN credentials can be used to begin with; what was begun goes on'),
  JOIN_TIMEOUT_MS: numberSetting(10_000, { min: 200 }).meta({ unit: 'ms' }).describe('time a new media socket has to send its join frame'),
  MAX_SOCKETS: numberSetting(5000, { min: 1 }).describe('media sockets one replica serves at most'),
  HEADERS_TIMEOUT_MS: numberSetting(10_000, { min: 200 })
    .meta({ unit: 'ms' })
    .describe('time a connection has to send the headers of its request, from when it was made'),
  FRAMES_PER_SECOND: numberSetting(50, { min: 1 }).describe('frames a media socket may send a second, on average'),
  FRAME_BURST: numberSetting(300, { min: 1 }).describe('frames a media socket may send at once'),
  MAX_BUFFERED_BYTES: numberSetting(1_048_576, { min: 65_536 })
    .meta({ unit: 'bytes' })
    .describe('a media socket that leaves more unread is closed: it reads too slowly'),
  MEDIA_FLOW_MS: numberSetting(20_000, { min: 2000 })
    .meta({ unit: 'ms' })
    .describe(
      'of a device that has tried for so long, and from which nothing ever came through, it is told why, as far as that can be known',
    ),
  MEDIA_TESTS: numberSetting(20, { min: 0, max: 1000 }).describe(
    'tests before calls (`POST /v1/media/test`) that one replica has Janus answer at a time; each costs what a call of one does, for 15 s at most',
  ),
  KEEP_QUALITY_DAYS: numberSetting(7, { min: 1, max: 400 }).meta({ unit: 'd' }).describe('how long it is kept how the media of calls went'),
  SECRETS_KEY: secretsKeySetting,
  ...addressSettings,
  PUBLIC_URL: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe('where the gateway is reached from outside, for the links to files of recordings; without it they are told without a host'),
  RECORDINGS_FOLDER: z
    .string()
    .min(1)
    .default('/var/lib/communication-center/recordings')
    .describe(
      'where Janus records, recordings are made into files, and kept unless RECORDINGS_S3 says elsewhere; all replicas and media nodes share it',
    ),
  JANUS_RECORDINGS_FOLDER: z
    .string()
    .min(1)
    .optional()
    .describe('what RECORDINGS_FOLDER is called where Janus runs; the same where left out'),
  RECORDINGS_FREE_BYTES: numberSetting(1_073_741_824, { min: 0 })
    .meta({ unit: 'bytes' })
    .describe('where less is free in RECORDINGS_FOLDER nothing is recorded, or recorded on'),
  RECORDINGS_S3: z
    .string()
    .transform((text, context) => {
      try {
        return JSON.parse(text) as unknown;
      } catch {
        context.addIssue({ code: 'custom', message: 'use JSON' });
        return z.NEVER;
      }
    })
    .pipe(recordingStorageBodySchema)
    .optional()
    .meta({ secret: true })
    .describe(
      'the S3 server that keeps recordings, as JSON: endpoint, bucket, accessKeyId, secretAccessKey, and, where wished, region, prefix, encryption (none, AES256 or aws:kms) and kmsKeyId',
    ),
  RECORDING_JOBS: numberSetting(1, { min: 0, max: 32 }).describe(
    'recordings that one replica makes into files at a time, in what processors have to spare; 0: it makes none',
  ),
  RECORDING_STEP_MS: numberSetting(1_800_000, { min: 1000 })
    .meta({ unit: 'ms' })
    .describe('how long ffmpeg, or janus-pp-rec, has for one step: what one device sent, or half a minute of the whole'),
  RECORDING_NAMES: flagSetting(true).describe(
    'whether the names that people have when a recording is made into files are written into their tiles; needs a font where media runs (Debian: fonts-dejavu-core)',
  ),
  RECORDING_LINK_SECONDS: numberSetting(3600, { min: 60, max: 604_800 })
    .meta({ unit: 's' })
    .describe('how long a link to a file of a recording gives it'),
  KEEP_RECORDINGS_DAYS: numberSetting(30, { min: 1, max: longestKeptDays })
    .meta({ unit: 'd' })
    .describe('how long recordings are kept at most; apps may have theirs deleted before'),
  BROADCASTS_FOLDER: z
    .string()
    .min(1)
    .default('/var/lib/communication-center/broadcasts')
    .describe('where the last seconds of broadcasts lie, for viewers; all replicas share it, and memory (tmpfs) is enough for one'),
  BROADCASTS_FREE_BYTES: numberSetting(268_435_456, { min: 0 })
    .meta({ unit: 'bytes' })
    .describe('where less is free in BROADCASTS_FOLDER broadcasts end, or do not begin'),
  BROADCASTS: numberSetting(2, { min: 0, max: 64 }).describe(
    'broadcasts that one replica makes at a time, behind everything else; each takes from half a core to one and a half; 0: it makes none',
  ),
  BROADCASTS_PER_APP: numberSetting(5, { min: 1, max: 1000 }).describe('broadcasts of one app that go on at a time'),
  BROADCAST_REQUESTS_PER_SECOND: numberSetting(500, { min: 10, max: 100_000 }).describe(
    'requests of viewers (playlists, segments, figures) that one replica answers in a second, shared out among broadcasts; others are told to ask again a second later',
  ),
  BROADCAST_HOURS: numberSetting(12, { min: 1, max: 168 }).meta({ unit: 'h' }).describe('how long a broadcast may be'),
  BROADCAST_HEIGHT: numberSetting(720, { min: 180, max: 1080 }).describe('how high the picture of broadcasts is, in points; it is 16:9'),
  BROADCAST_FRAMES: z.coerce
    .number()
    .pipe(z.union([z.literal(10), z.literal(15), z.literal(20), z.literal(25), z.literal(30)]))
    .default(20)
    .describe('pictures of a broadcast a second: 10, 15, 20, 25 or 30'),
  BROADCAST_BITRATE: numberSetting(2_000_000, { min: 100_000, max: 10_000_000 })
    .meta({ unit: 'bits/s' })
    .describe('of the pictures of a broadcast; sound comes to it'),
  BROADCAST_HOST: z
    .string()
    .default('127.0.0.1')
    .describe('the address of this replica that media nodes send to what is broadcast, by RTP without encryption'),
  BROADCAST_PORTS: z
    .string()
    .regex(/^\d{2,5}-\d{2,5}$/, 'use a range such as 44000-44099')
    .transform((text) => text.split('-').map(Number) as [number, number])
    .refine(([first, last]) => first <= last && last <= 65_535, { message: 'use a range such as 44000-44099' })
    .optional()
    .describe(
      'UDP ports on BROADCAST_HOST that this is sent to, one for each broadcast, such as 44000-44099; any that is free where left out',
    ),
  BROADCAST_PUSH_PORTS: z
    .string()
    .default('443,1935,2935')
    .transform((text) => text.split(',').map(Number))
    .pipe(z.array(z.int().min(1).max(65_535)))
    .describe('ports that servers which broadcasts are pushed to may have, separated by commas; any in the development profile'),
  BROADCAST_PUSH_MS: numberSetting(10_000, { min: 1000, max: 60_000 })
    .meta({ unit: 'ms' })
    .describe('how long a server that a broadcast is pushed to has to take it'),
  KEEP_BROADCASTS_DAYS: numberSetting(30, { min: 1, max: 400 })
    .meta({ unit: 'd' })
    .describe('how long it is kept what became of broadcasts'),
  LEASE_MS: numberSetting(10_000, { min: 500 })
    .meta({ unit: 'ms' })
    .describe('how long a media process counts as alive after it last renewed its lease'),
  HEARTBEAT_MS: numberSetting(10_000, { min: 200 })
    .meta({ unit: 'ms' })
    .describe('how often a media socket is pinged; after two and a half times this without a sign of life it is closed'),
});
export type MediaSettings = z.infer<typeof settings>;
