import { createSocket } from 'node:dgram';
import { SipTransport, type SipTransportOptions } from './sip-transport.js';

/** As shipped. */
export const noProxies = { TRUSTED_PROXIES: [], PROXY_PROTOCOL: false, CONNECTIONS_PER_ADDRESS: 1000, SIGNED_IN_PER_ADDRESS: 20_000 };

/** Opens where both UDP and TCP have the same port free, and TLS, where it is wanted, another. */
export async function openSomewhere(
  options: Pick<SipTransportOptions, 'onMessage' | 'onError'> & Partial<SipTransportOptions>,
): Promise<{ transport: SipTransport; port: number; tlsPort: number }> {
  for (let tries = 1; ; tries += 1) {
    const [port, tlsPort] = [await freePort(), await freePort()];
    const tls = options.tls && { ...options.tls, port: tlsPort };
    const usual = { host: '127.0.0.1', maxConnections: 10, clients: noProxies, onTooMany: () => undefined };
    const transport = new SipTransport({ ...usual, ...options, port, tls });
    try {
      await transport.open();
      return { transport, port, tlsPort };
    } catch (error) {
      if (tries === 10) throw error;
    }
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = createSocket('udp4').bind(0, '127.0.0.1', () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}
