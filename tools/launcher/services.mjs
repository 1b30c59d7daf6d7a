import { join } from 'node:path';
import { root } from './instance.mjs';

/** The Node that the services run on: the one the project pins, whatever ran the launcher. */
export const pinnedNode = join(root, 'node_modules/node/bin/node');

/**
 * @returns how to start each service of an instance.
 * @param {{ports: object, secrets: object, servers: {database: string, redis: string, brokers: string, janus: string}, overrides?: Record<string, Record<string, string>>}} fleet
 */
export function servicesOf(instance, { ports, secrets, servers, overrides = {} }) {
  const at = (port) => `http://127.0.0.1:${port}`;
  const urls = {
    DIRECTORY_URL: at(ports.directory),
    CALLS_URL: at(ports.calls),
    PRESENCE_URL: at(ports.presence),
    WEBHOOKS_URL: at(ports.webhooks),
    NOTIFICATIONS_URL: at(ports.notifications),
    MEDIA_URL: at(ports.mediaInternal),
  };
  const own = {
    directory: { PORT: ports.directory, OPERATOR_KEY: secrets.operatorKey, SECRETS_KEY: secrets.secretsKey, ALLOW_BARE_ALIAS: 'true' },
    calls: { PORT: ports.calls },
    presence: { PORT: ports.presence },
    webhooks: { PORT: ports.webhooks, REDIS_URL: servers.redis, SECRETS_KEY: secrets.secretsKey, ALLOW_PRIVATE_ADDRESSES: 'true' },
    notifications: {
      PORT: ports.notifications,
      REDIS_URL: servers.redis,
      SMTP_URL: process.env.SMTP_URL ?? '',
      MAIL_FROM: process.env.MAIL_FROM ?? '',
    },
    media: {
      PORT: ports.mediaInternal,
      PUBLIC_PORT: ports.media,
      PUBLIC_URL: process.env.MEDIA_PUBLIC_URL ?? `ws://127.0.0.1:${ports.media}`,
      MEDIA_TOKEN_KEY: secrets.mediaTokenKey,
      JANUS_URL: servers.janus,
      JANUS_API_SECRET: process.env.JANUS_API_SECRET ?? secrets.janusSecret,
      JANUS_ADMIN_KEY: process.env.JANUS_ADMIN_KEY ?? secrets.janusSecret,
    },
    gateway: { PORT: ports.gatewayInternal, PUBLIC_PORT: ports.gateway, CONSOLE_FOLDER: join(root, 'apps/console/dist') },
  };
  return Object.entries(own).map(([name, settings]) => ({
    name,
    command: pinnedNode,
    args: ['--enable-source-maps', '--disable-warning=TimeoutNegativeWarning', join(root, 'apps', name, 'dist/main.js')],
    cwd: root,
    readyUrl: `${at(settings.PORT)}/health/ready`,
    env: {
      PATH: process.env.PATH,
      NODE_ENV: 'production',
      NODE_COMPILE_CACHE: join(instance.cache, 'node'),
      HOST: '127.0.0.1',
      LOG_LEVEL: process.env.LOG_LEVEL ?? 'info',
      DATABASE_URL: servers.database,
      KAFKA_BROKERS: servers.brokers,
      IDENTITY_PRIVATE_JWK: JSON.stringify(secrets.privateKeys[name]),
      IDENTITY_PUBLIC_JWKS: JSON.stringify(secrets.jwks),
      ...urls,
      ...Object.fromEntries(Object.entries(settings).map(([key, value]) => [key, String(value)])),
      ...overrides[name],
    },
  }));
}
