import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

/** Of the addresses that routers pass on everywhere, those at which clouds answer their own machines. */
const ofClouds = [ipaddr.parseCIDR('168.63.129.16/32')];
/** All that is given out of IPv6 (RFC 4291 §2.4, IANA): what is beyond leads nowhere, or to where somebody's router says. */
const globalV6 = ipaddr.parseCIDR('2000::/3') as [ipaddr.IPv6, number];

/**
 * @returns whether an address is one of the world's: nobody's network, machine or cloud, and none that has another address within
 * it, as IPv4-mapped and -compatible ones, NAT64, 6to4, Teredo and ISATAP have, whatever that is.
 */
export function isOutside(address: string): boolean {
  // The parser takes short and octal forms as well, which whoever connects may read otherwise.
  if (isIP(address) === 0 || address.includes('%')) return false;
  const parsed = ipaddr.parse(address);
  if (parsed.range() !== 'unicast') return false;
  if (ofClouds.some(([network, bits]) => network.kind() === parsed.kind() && parsed.match(network, bits))) return false;
  return parsed instanceof ipaddr.IPv6 ? parsed.match(...globalV6) && !isIsatap(parsed) : true;
}

/** An interface identifier that names an IPv4 address behind a tunnel (RFC 5214 §6.1). */
function isIsatap({ parts }: ipaddr.IPv6): boolean {
  return parts[5] === 0x5efe && (parts[4] === 0 || parts[4] === 0x200);
}

/** Names that are nobody's in the world (RFC 6761, RFC 6762, RFC 8375, RFC 9476, and ICANN's `internal`). */
const withinDomains = ['localhost', 'local', 'internal', 'home.arpa', 'alt', 'onion', 'invalid', 'test'];

/** @returns whether a host name may be one of the world's; what it leads to is judged when it is looked up. */
export function mayBeOutside(name: string): boolean {
  return name.includes('.') && !withinDomains.some((domain) => name === domain || name.endsWith(`.${domain}`));
}

/** @returns a host of a URL without brackets and the dot at its end, which changes nothing. */
export function bareHost(host: string): string {
  return host.replace(/^\[|\]$/g, '').replace(/\.$/, '');
}

/** What an installation opens: networks as CIDR, hosts by name, and a domain's hosts as `.domain`. */
export class Opened {
  readonly #networks: [ipaddr.IPv4 | ipaddr.IPv6, number][] = [];
  readonly #names: string[] = [];

  /** @throws Error for what looks like a network and is none. */
  constructor(entries: readonly string[]) {
    for (const entry of entries) {
      if (entry.includes('/') || isIP(entry) !== 0) this.#networks.push(asNetwork(entry));
      else this.#names.push(entry.toLowerCase());
    }
  }

  hasAddress(address: string): boolean {
    if (isIP(address) === 0) return false;
    // A network of IPv4 is open under its own form alone: others are how one gets to what was not meant.
    const parsed = ipaddr.parse(address);
    return this.#networks.some(([network, bits]) => network.kind() === parsed.kind() && parsed.match(network as never, bits));
  }

  hasName(name: string): boolean {
    return this.#names.some((one) => (one.startsWith('.') ? name.endsWith(one) : name === one));
  }
}

function asNetwork(entry: string): [ipaddr.IPv4 | ipaddr.IPv6, number] {
  if (entry.includes('/')) return ipaddr.parseCIDR(entry);
  const address = ipaddr.parse(entry);
  return [address, address.kind() === 'ipv6' ? 128 : 32];
}
