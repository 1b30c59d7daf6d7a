import type { Peer } from '../messages/sip-message.js';

/** Where phones reach this replica, as host:port: over UDP and TCP, and over TLS where it is spoken. */
export interface Contacts {
  plain: string;
  secure: string | undefined;
}

/** @returns our Contact to a phone, and the host in it. Who is told of a `sips:` URI is told ours in the same way (RFC 3261 §12.1.1). */
export function contactOf({ localUri, peer }: { localUri: string; peer: Peer }, { plain, secure }: Contacts) {
  const host = peer.transport === 'tls' ? (secure ?? plain) : plain;
  const header = localUri.startsWith('sips:') ? `<sips:${host}>` : `<sip:${host};transport=${peer.transport}>`;
  return { host, header };
}
