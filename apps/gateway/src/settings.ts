import { signInFailureLimits } from '@communication-center/contracts';
import { addressSettingOf, services } from '@communication-center/contracts/services';
import { clientSettings, commonSettings, numberSetting, replicasSetting } from '@communication-center/service';
import { sharingSettings } from '@communication-center/service/fair-share';
import { z } from 'zod';

const addressOf = (service: string) =>
  replicasSetting().describe(`where the ${service} service answers; its replicas, separated by commas`);

/** The services that requests are passed on to. */
const behindTheDoor = services.filter(({ name }) => name !== 'gateway');

/** Where each of them answers. */
const addressSettings = Object.fromEntries(
  behindTheDoor.map(({ name, isOptional }) => [addressSettingOf(name), isOptional ? addressOf(name).optional() : addressOf(name)]),
);

export const settings = z.object({
  ...commonSettings,
  ...clientSettings,
  PUBLIC_HOST: z.string().default('127.0.0.1').describe('address the public door listens on'),
  PUBLIC_PORT: numberSetting(4000, { max: 65_535 }).describe('port of the public door: REST, sockets and the console'),
  ALLOWED_ORIGINS: z
    .string()
    .default('*')
    .describe(
      'origins whose pages may ask this door in the name of apps without allowedOrigins of their own, such as https://shop.example.com, separated by commas; * for any, since every request shows a token and no cookie is read; the console may always',
    ),
  FRAME_ANCESTORS: z
    .string()
    .default('none')
    .transform((text) => text.split(',').map((origin) => origin.trim().toLowerCase()))
    .pipe(z.array(z.string().regex(/^(none|self|https?:\/\/(\*\.)?[a-z0-9.-]+(:\d{1,5})?)$/, 'must be none, self, or origins')).min(1))
    .refine((origins) => origins.length === 1 || !origins.includes('none'), 'none stands alone')
    .describe('whose pages may show the console in a frame: none, self, or origins such as https://desk.example.com, separated by commas'),
  STRICT_TRANSPORT_SECONDS: numberSetting(0, { max: 63_072_000 })
    .meta({ unit: 's' })
    .describe(
      'where TLS ends in front of this door: for so long browsers ask for it over TLS alone (Strict-Transport-Security), 31536000 for a year; 0 where it is reached without TLS',
    ),
  MEDIA_PUBLIC_URL: z
    .string()
    .transform((text) => text.split(',').map((url) => url.trim()))
    .pipe(z.array(z.url({ protocol: /^wss?$/ })).min(1))
    .optional()
    .describe(
      'where clients reach the media door, as the calls service has it: the console may open sockets there and at this door alone; without it anywhere',
    ),
  CONSOLE_FOLDER: z.string().optional().describe('folder of the built console; without it the door serves no page'),
  ...addressSettings,
  DIRECTORY_URL: addressOf('directory'),
  CALLS_URL: addressOf('calls'),
  PRESENCE_URL: addressOf('presence'),
  ...sharingSettings,
  LEASE_MS: numberSetting(10_000, { min: 500 })
    .meta({ unit: 'ms' })
    .describe('how long a gateway counts as alive after it last renewed its lease'),
  HEARTBEAT_MS: numberSetting(10_000, { min: 200 })
    .meta({ unit: 'ms' })
    .describe('how often a socket is pinged; after two and a half times this without a sign of life it is closed'),
  CONNECT_TIMEOUT_MS: numberSetting(10_000, { min: 200 }).meta({ unit: 'ms' }).describe('time a new socket has to send its connect frame'),
  STREAM_CHECK_MS: numberSetting(10_000, { min: 200 })
    .meta({ unit: 'ms' })
    .describe('how often the credentials of an open stream, or of a passed-on socket, are looked at again'),
  MAX_TRANSFER_BYTES: numberSetting(2_147_483_648, { min: 262_144 })
    .meta({ unit: 'bytes' })
    .describe('the largest body that is passed on to a resource for transfers, such as uploads'),
  TRANSFER_SILENCE_MS: numberSetting(30_000, { min: 100 })
    .meta({ unit: 'ms' })
    .describe('for so long nothing of a transfer may come before it is broken off'),
  MAX_TRANSFERS: numberSetting(64, { min: 1 }).describe('transfers one gateway passes on at once; as many others wait for their turn'),
  TRANSFERS_PER_APP: numberSetting(16, { min: 1 }).describe('how many of these, and of those that wait, may be of one app'),
  MAX_PASSED_SOCKETS: numberSetting(5000, { min: 1 }).describe('sockets of other services one gateway passes on at most'),
  PASSED_SOCKETS_PER_APP: numberSetting(1000, { min: 1 }).describe('how many of these may be of one app'),
  SOCKET_ANSWER_MS: numberSetting(5000, { min: 100 })
    .meta({ unit: 'ms' })
    .describe('time a service has to take a socket that is passed on to it, or to refuse it'),
  SOCKET_SILENCE_MS: numberSetting(60_000, { min: 100 })
    .meta({ unit: 'ms' })
    .describe('a passed-on socket through which nothing came for so long is closed; heartbeats of either side count'),
  HEADERS_TIMEOUT_MS: numberSetting(10_000, { min: 200 })
    .meta({ unit: 'ms' })
    .describe('time a connection has to send the headers of a request, its first from when it was made'),
  FRAMES_PER_SECOND: numberSetting(20, { min: 1 }).describe('frames a socket may send a second, on average'),
  FRAME_BURST: numberSetting(60, { min: 1 }).describe('frames a socket may send at once'),
  SIGN_IN_FAILURES_PER_SECOND: numberSetting(signInFailureLimits.address.perSecond, { min: 1 }).describe(
    'sign-ins from one address that may fail a second, on average; with more behind it a credential is not looked at',
  ),
  SIGN_IN_FAILURE_BURST: numberSetting(signInFailureLimits.address.burst, { min: 1 }).describe(
    'sign-ins from one address that may fail at once',
  ),
  MAX_SOCKETS: numberSetting(20_000, { min: 1 }).describe('sockets one gateway serves at most'),
  MAX_BUFFERED_BYTES: numberSetting(1_048_576, { min: 65_536 })
    .meta({ unit: 'bytes' })
    .describe('a socket that leaves more unread is closed: it reads too slowly'),
});
export type GatewaySettings = z.infer<typeof settings>;

/** @returns where the services behind the door answer: each of its replicas. Those that this fleet does without are left out. */
export function addressesIn(settings: GatewaySettings): [service: string, urls: string[]][] {
  return behindTheDoor.flatMap(({ name }) => {
    const urls = (settings as Record<string, unknown>)[addressSettingOf(name)] as string[] | undefined;
    return urls ? [[name, urls]] : [];
  });
}
