import { readFileSync, statSync } from 'node:fs';
import type { Server } from 'node:tls';
import type { SipSettings } from '../settings.js';

/** What is shown to phones over TLS, and where. */
export interface TlsDoor {
  port: number;
  certFile: string;
  keyFile: string;
}

/** @returns undefined where TLS is not spoken. @throws Error where it is to be spoken with nothing to show. */
export function tlsOf(settings: Pick<SipSettings, 'SIP_TLS_PORT' | 'SIP_TLS_CERT_FILE' | 'SIP_TLS_KEY_FILE'>): TlsDoor | undefined {
  const { SIP_TLS_PORT: port, SIP_TLS_CERT_FILE: certFile, SIP_TLS_KEY_FILE: keyFile } = settings;
  if (port === 0) return undefined;
  if (!certFile || !keyFile) throw new Error('SIP_TLS_PORT: needs SIP_TLS_CERT_FILE and SIP_TLS_KEY_FILE');
  return { port, certFile, keyFile };
}

/** @throws Error for files that cannot be read. */
export function readPair({ certFile, keyFile }: TlsDoor): { cert: Buffer; key: Buffer } {
  return { cert: readFileSync(certFile), key: readFileSync(keyFile) };
}

/** Shows a renewed certificate to whoever connects once its files have changed. One that cannot be used is reported, and the one before is kept. */
export class RenewedCertificate {
  #seen: string;
  readonly #timer: NodeJS.Timeout;

  constructor(
    private readonly server: Pick<Server, 'setSecureContext'>,
    private readonly door: TlsDoor,
    private readonly onError: (error: unknown, doing: string) => void,
    everyMs = 60_000,
  ) {
    this.#seen = this.#ages();
    this.#timer = setInterval(() => this.#look(), everyMs).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    try {
      const ages = this.#ages();
      if (ages === this.#seen) return;
      this.server.setSecureContext(readPair(this.door));
      this.#seen = ages;
    } catch (error) {
      this.onError(error, 'renewing the certificate of SIP over TLS');
    }
  }

  #ages(): string {
    return [this.door.certFile, this.door.keyFile].map((file) => statSync(file).mtimeMs).join(' ');
  }
}
