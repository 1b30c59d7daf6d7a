import { createHmac } from 'node:crypto';
import type { MediaGrant } from '@communication-center/contracts/media-grant';
import type { MediaSettings } from '../settings.js';

type IceServers = MediaSettings['ICE_SERVERS'];
type TurnSettings = Pick<MediaSettings, 'TURN_URLS' | 'TURN_SECRET' | 'TURN_CREDENTIAL_SECONDS'>;

/**
 * Lets one user use the TURN servers for a while: `expiry:user` and its HMAC, as coturn's `use-auth-secret` checks it
 * (draft-uberti-behave-turn-rest-00 §2.2). The server asks nobody; it looks at the expiry when an allocation is made, so that
 * one which is in use outlives it. The password names no key, since TURN has no room for that: coturn tries each of its secrets.
 * @param now in milliseconds.
 * @returns nothing where no TURN server shares a secret with this service.
 */
export function turnServersFor(
  { appId, userAlias }: Pick<MediaGrant, 'appId' | 'userAlias'>,
  settings: TurnSettings,
  now: number,
): IceServers {
  const { TURN_URLS: urls, TURN_SECRET: secrets, TURN_CREDENTIAL_SECONDS: seconds } = settings;
  const secret = secrets?.[0];
  if (secret === undefined || urls.length === 0) return [];
  // In plain ASCII, which nobody prepares in a way of his own (RFC 8489 §14.3), and without the sign that ends the expiry.
  const username = `${Math.floor(now / 1000) + seconds}:${appId}/${encodeURIComponent(userAlias)}`;
  return [{ urls, username, credential: createHmac('sha1', secret).update(username).digest('base64') }];
}
