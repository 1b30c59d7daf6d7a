import { readFileSync } from 'node:fs';

/** Where a client's side of TLS lies, as PEM: whom it trusts, and what it shows of itself. */
export interface TlsFiles {
  /** Certificates of the authorities that may have signed the server's; those that Node knows unless told. */
  ca?: string | undefined;
  cert?: string | undefined;
  key?: string | undefined;
}

/** What TLS is told of certificates. The server's is always judged: by its authority, its dates and its name. */
export interface TlsIdentity {
  ca?: string;
  cert?: string;
  key?: string;
}

/**
 * Reads the files of a client's side of TLS.
 * @throws Error when one cannot be read, or a certificate has no key or a key no certificate.
 */
export function readTlsFiles(files: TlsFiles): TlsIdentity {
  if (Boolean(files.cert) !== Boolean(files.key)) throw new Error('A client certificate needs its key, and a key its certificate');
  const named = Object.entries(files).filter((entry): entry is [string, string] => Boolean(entry[1]));
  return Object.fromEntries(named.map(([part, file]) => [part, readFileSync(file, 'utf8')]));
}
