import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

type Network = [ipaddr.IPv4 | ipaddr.IPv6, number];

/** More proxies stand in no row; what a client writes before them is not read to its end. */
const mostHops = 32;

/**
 * Who is believed when it says for whom it asks: proxies of the operator's own, by their networks. What anybody else says of another
 * address is not even looked at, so that nobody passes for somebody else.
 */
export class TrustedProxies {
  readonly #networks: readonly Network[];

  /** @param networks addresses, or networks as CIDR. @throws Error for what is neither. */
  constructor(networks: readonly string[]) {
    this.#networks = networks.map(asNetwork);
  }

  includes(address: string): boolean {
    if (this.#networks.length === 0 || isIP(address) === 0) return false;
    const parsed = ipaddr.process(address);
    return this.#networks.some(([network, bits]) => network.kind() === parsed.kind() && parsed.match(network as never, bits));
  }

  /**
   * @param peer who is at the other end of the connection.
   * @param forwardedFor `X-Forwarded-For`: each proxy adds, at its end, whom it was asked by. `Forwarded` (RFC 7239) is not read: a proxy that
   * knows the one header lets a client's other one through.
   * @returns the address of the client: the last one in the row that no trusted proxy has. What is no address ends the row.
   */
  clientOf(peer: string, forwardedFor: string | string[] | undefined): string {
    let client = plain(peer);
    if (forwardedFor === undefined || !this.includes(client)) return client;
    const hops = String(forwardedFor).split(',').slice(-mostHops).reverse();
    for (const hop of hops) {
      const next = addressIn(hop);
      if (next === undefined) break;
      client = next;
      if (!this.includes(client)) break;
    }
    return client;
  }
}

/** @returns an address in its own form: one of IPv4 that came as IPv6 is one of IPv4. */
function plain(address: string): string {
  const [bare = ''] = address.split('%', 1);
  return isIP(bare) === 0 ? address : ipaddr.process(bare).toString();
}

/** @returns the address in an entry of the header, with or without a port (some proxies tell it); undefined for anything else. */
function addressIn(entry: string): string | undefined {
  const text = entry.trim();
  // The longest address of IPv6 with brackets, zone and port.
  if (text.length > 96) return undefined;
  const bare = /^\[([^\]]+)\](?::\d{1,5})?$/.exec(text)?.[1] ?? /^(\d[\d.]*):\d{1,5}$/.exec(text)?.[1] ?? text;
  return isIP(bare) === 0 ? undefined : plain(bare);
}

/** @returns as whom an address is counted: by itself, or of IPv6 by its network of 64 bits, which one customer has for itself alone. */
export function countedAs(address: string): string {
  if (isIP(address) !== 6) return address;
  const parsed = ipaddr.process(address);
  if (parsed instanceof ipaddr.IPv4) return parsed.toString();
  const [a = 0, b = 0, c = 0, d = 0] = parsed.parts;
  return `${[a, b, c, d].map((part) => part.toString(16)).join(':')}::/64`;
}

/** @throws Error for what is neither an address nor a network. */
export function asNetwork(text: string): Network {
  const [address = '', bits, ...more] = text.split('/');
  const kind = isIP(address);
  const most = kind === 6 ? 128 : 32;
  const length = bits === undefined ? most : Number(bits);
  if (kind === 0 || more.length > 0 || (bits !== undefined && !/^\d{1,3}$/.test(bits)) || length > most)
    throw new Error(`${text}: is no address and no network such as 10.0.0.0/8`);
  return [ipaddr.parse(address), length];
}
