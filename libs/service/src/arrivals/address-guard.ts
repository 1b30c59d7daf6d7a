import { lookup } from 'node:dns';
import { isIP, type LookupFunction, type Socket } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import { buildConnector } from 'undici';
import { z } from 'zod';
import { ProblemError } from '../problem-error.js';
import { type CommonSettings, developmentSetting } from '../settings.js';
import { openTunnel } from './egress-proxy.js';
import { bareHost, isOutside, mayBeOutside, Opened } from './outside.js';

const listed = (text: string) =>
  text
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '');

function areOpenable(entries: readonly string[]): boolean {
  try {
    return new Opened(entries) !== undefined;
  } catch {
    return false;
  }
}

/** The settings of a service that connects to addresses which somebody else names. */
export const addressSettings = {
  ALLOW_PRIVATE_ADDRESSES: developmentSetting().describe(
    'whether addresses that apps name may be private or loopback ones; for development only',
  ),
  OUTSIDE_PORTS: z
    .string()
    .default('443,8443')
    .transform((text) => listed(text).map(Number))
    .pipe(z.array(z.int().min(1).max(65_535)))
    .describe('ports that addresses which apps name may have, separated by commas; any in the development profile'),
  OUTSIDE_ALLOWED: z
    .string()
    .default('')
    .transform(listed)
    .refine(areOpenable, { message: 'list networks such as 10.1.0.0/16, hosts, and domains such as .example.internal' })
    .describe(
      'private networks (10.1.0.0/16), hosts and domains (.example.internal) that addresses which apps name may lead to, separated by commas',
    ),
  EGRESS_PROXY: z
    .url({ protocol: /^https?$/ })
    .optional()
    .meta({ secret: true })
    .describe(
      'HTTP proxy through which addresses that apps name are connected to, by CONNECT, such as http://user:password@proxy:3128; directly without it. What a name leads to is judged here all the same, and the proxy is told the address',
    ),
};

type GuardSettings = Pick<CommonSettings, 'PROFILE'> & z.infer<z.ZodObject<typeof addressSettings>>;
/** Finds the addresses of a name, as `dns.lookup` with `all` does. */
type LookUp = (
  hostname: string,
  options: { family?: number | string | undefined; hints?: number | undefined },
  done: (error: NodeJS.ErrnoException | null, addresses: { address: string; family: number }[]) => void,
) => void;
type Connector = ReturnType<typeof buildConnector>;
type Building = typeof buildConnector;
/** What is asked to be connected to. */
type Wanted = Parameters<Connector>[0];

const systemLookUp: LookUp = (hostname, { family, hints }, done) =>
  lookup(hostname, { family: family as number, hints, all: true, order: 'verbatim' }, done);

const connectMs = 5000;

/**
 * Guards every address that somebody else names, such as an endpoint's URL: judged when it is saved, and again whenever it is
 * connected to, by the address that the name has then. What was judged is what is connected to: a name cannot change its mind
 * between. Nothing follows redirects by itself, and who does asks here again.
 */
export class AddressGuard {
  readonly #settings: GuardSettings;
  readonly #lookUp: LookUp;
  readonly #opened: Opened;
  readonly #build: Building;

  /** @param lookUp finds the addresses of a name. @param build makes what connects to one. */
  constructor(settings: GuardSettings, lookUp = systemLookUp, build: Building = buildConnector) {
    this.#settings = settings;
    this.#lookUp = lookUp;
    this.#build = build;
    this.#opened = new Opened(settings.OUTSIDE_ALLOWED);
  }

  /** @throws ProblemError `invalid_request` that names the field of a URL which may not be saved. */
  requireUrl(field: string, url: string): void {
    const message = this.#faultOfUrl(url);
    if (message) throw new ProblemError('invalid_request', `${field}: ${message}`, { fields: [{ field, message }] });
  }

  #faultOfUrl(text: string): string | undefined {
    const { PROFILE, OUTSIDE_PORTS, ALLOW_PRIVATE_ADDRESSES } = this.#settings;
    const fault = faultOfWebAddress(text, PROFILE);
    if (fault) return fault;
    const { port, protocol, hostname } = new URL(text);
    const number = Number(port || (protocol === 'https:' ? 443 : 80));
    if (number === 0 || (PROFILE !== 'development' && !OUTSIDE_PORTS.includes(number))) return `use port ${OUTSIDE_PORTS.join(' or ')}`;
    // Parsers of URLs have made addresses of decimal, octal and hexadecimal hosts by now.
    const host = bareHost(hostname);
    const isOpen = isIP(host) === 0 ? this.#mayName(host) || mayBeOutside(host) : this.mayConnect(host);
    return isOpen || ALLOW_PRIVATE_ADDRESSES ? undefined : 'use an address of the public internet';
  }

  /** Whether an installation opens a host by its name, wherever it is. */
  #mayName(host: string): boolean {
    return this.#opened.hasName(host);
  }

  /** @returns whether an address may be connected to. */
  mayConnect(address: string): boolean {
    return this.#settings.ALLOW_PRIVATE_ADDRESSES || isOutside(address) || this.#opened.hasAddress(address);
  }

  /** Finds the addresses of a name that may be connected to, for whatever takes a `lookup`. @throws in its callback an `EACCES` where none may. */
  readonly lookup: LookupFunction = (hostname, options, callback) => {
    this.#lookUp(hostname, options, (error, found) => {
      if (error) return callback(error, '', 0);
      const open = this.#mayName(bareHost(hostname)) ? found : found.filter(({ address }) => this.mayConnect(address));
      const [first] = open;
      if (!first) return callback(notOutside(hostname), '', 0);
      if (options.all) callback(null, open);
      else callback(null, first.address, first.family);
    });
  };

  /**
   * @param tls of the connections, such as a certificate of one's own. Each connector resumes sessions of its own alone.
   * @returns what makes the connections of an HTTP client, such as the `connect` of undici's `Agent`: the guard is in it.
   */
  connector(tls: ConnectionOptions = {}): Connector {
    const connect = this.#build({ ...tls, timeout: connectMs, lookup: this.lookup });
    return (options, callback) => {
      const host = bareHost(options.hostname);
      // No name, no look-up: Node connects to it as it is.
      if (isIP(host) !== 0 && !this.mayConnect(host)) return callback(notOutside(host), null);
      const { EGRESS_PROXY: proxy } = this.#settings;
      if (proxy === undefined) return connect(options, callback);
      this.#throughProxy(proxy, options).then(
        (httpSocket) => (options.protocol === 'https:' ? connect({ ...options, httpSocket }, callback) : callback(null, httpSocket)),
        (error: Error) => callback(error, null),
      );
    };
  }

  /** A name is looked up and judged here, and the proxy told what it led to: it could find something else behind the name. */
  async #throughProxy(proxy: string, { hostname, port, protocol }: Wanted): Promise<Socket> {
    const host = bareHost(hostname);
    const address = isIP(host) === 0 ? await this.#addressOf(host) : host;
    return openTunnel(new URL(proxy), { address, port: Number(port || (protocol === 'https:' ? 443 : 80)) }, connectMs);
  }

  #addressOf(host: string): Promise<string> {
    return new Promise((resolve, reject) => {
      this.lookup(host, {}, (error, address) => (error ? reject(error) : resolve(String(address))));
    });
  }
}

/**
 * @returns what is wrong with an address of the web that is told to others: it is https, or http in development, and holds no
 * credentials; undefined where nothing is.
 */
export function faultOfWebAddress(text: string, profile: CommonSettings['PROFILE']): string | undefined {
  if (!URL.canParse(text)) return 'send a URL';
  const { protocol, username, password } = new URL(text);
  if (protocol !== 'https:' && !(protocol === 'http:' && profile === 'development')) return 'use https';
  return username || password ? 'leave out the user and password' : undefined;
}

function notOutside(host: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${host} has no address of the public internet`), { code: 'EACCES' });
}
