import { isIP } from 'node:net';
import { readTlsFiles } from '@communication-center/event-log';
import { Redis, type RedisOptions } from 'ioredis';
import type { RedisSettings } from './server-settings.js';

/**
 * Connects to Redis as the settings tell: over TLS where the address says `rediss:`. A certificate that does not match is refused.
 * @throws Error when files of certificates cannot be read, or are named for a connection without TLS.
 */
export function connectRedis(settings: RedisSettings, options: RedisOptions): Redis {
  const { REDIS_URL: address, REDIS_CA_FILE: ca, REDIS_CERT_FILE: cert, REDIS_KEY_FILE: key } = settings;
  const { protocol, hostname } = new URL(address);
  if (protocol !== 'rediss:') {
    if (ca || cert || key) throw new Error('REDIS_URL: must begin with rediss:// where certificates are named for it');
    return new Redis(address, options);
  }
  // Servers behind one address are told apart by the name that was asked for; an address of IP is none (RFC 6066 §3).
  const name = isIP(hostname.replace(/^\[|\]$/g, '')) ? {} : { servername: hostname };
  return new Redis(address, { ...options, tls: { ...readTlsFiles({ ca, cert, key }), ...name } });
}
