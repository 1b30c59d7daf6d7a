import type { ServerOptions } from 'node:http';

/**
 * @param milliseconds a connection may take for the headers of a request: from when it was made, or from when the request began. One
 * that says nothing at all is ended then, too.
 * @returns how a door's HTTP server sees to it. Bodies have time-outs of their own, where they are read: a transfer may take hours.
 */
export function headersWithin(
  milliseconds: number,
): Pick<ServerOptions, 'headersTimeout' | 'requestTimeout' | 'connectionsCheckingInterval' | 'keepAliveTimeout'> {
  return {
    headersTimeout: milliseconds,
    requestTimeout: 0,
    connectionsCheckingInterval: Math.max(100, Math.min(1000, milliseconds / 4)),
    // Longer than load balancers keep idle connections, so that they end them first.
    keepAliveTimeout: 72_000,
  };
}
