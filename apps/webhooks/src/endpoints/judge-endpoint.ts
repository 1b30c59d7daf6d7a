import { X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import type { ClientCertificate, EndpointPatch } from '@communication-center/contracts';
import { type AddressGuard, ProblemError } from '@communication-center/service';

/**
 * Judges of an endpoint what no schema can.
 * @param guard of its URL. @param mostMs for how long the installation waits for an answer. @param now in milliseconds since 1970.
 * @throws ProblemError `invalid_request` that names the field.
 */
export function judgeEndpoint(
  { url, timeoutMs, clientCertificate }: EndpointPatch,
  guard: AddressGuard,
  mostMs: number,
  now: number,
): void {
  if (url !== undefined) guard.requireUrl('url', url);
  if (timeoutMs && timeoutMs > mostMs) throw refused('timeoutMs', `wait at most ${mostMs} ms: no request takes longer here`);
  if (clientCertificate) judgeCertificate(clientCertificate, now);
}

function judgeCertificate({ certificate, privateKey, serverAuthority }: NonNullable<ClientCertificate>, now: number): void {
  const field = (name: string) => `clientCertificate.${name}`;
  const leaf = attempt(field('certificate'), 'is no certificate', () => new X509Certificate(certificate));
  if (leaf.validToDate.getTime() < now) throw refused(field('certificate'), `ended on ${leaf.validToDate.toISOString()}`);
  attempt(field('privateKey'), 'is no key of this certificate', () => createSecureContext({ cert: certificate, key: privateKey }));
  if (serverAuthority) attempt(field('serverAuthority'), 'is no certificate', () => new X509Certificate(serverAuthority));
}

function attempt<T>(field: string, message: string, work: () => T): T {
  try {
    return work();
  } catch {
    // What OpenSSL says of a key is nothing to tell.
    throw refused(field, message);
  }
}

function refused(field: string, message: string): ProblemError {
  return new ProblemError('invalid_request', `${field}: ${message}`, { fields: [{ field, message }] });
}
