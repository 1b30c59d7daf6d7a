import type { GatewaySettings } from '../settings.js';

/** Which settings say what browsers are told. */
type Told = Pick<GatewaySettings, 'FRAME_ANCESTORS' | 'STRICT_TRANSPORT_SECONDS' | 'MEDIA_PUBLIC_URL'>;

/** What is said in every answer, whatever it is of: that it is what it says it is, and that nobody is told where a reader came from. */
export const saidAlways = { 'x-content-type-options': 'nosniff', 'referrer-policy': 'no-referrer' } as const;

/** Names, keys, tokens, credentials and calls: what a service answers stays in no cache, unless it says otherwise itself. */
export const keptNowhere = { 'cache-control': 'no-store' } as const;

/** An answer that is no page may do nothing where somebody opens it as one. */
const ofData = "default-src 'none'; frame-ancestors 'none'";

/** Only what is a host is repeated in an answer. */
const hostForm = /^([a-z0-9.-]+|\[[0-9a-f:.]+\])(:\d{1,5})?$/i;

/** Tells browsers what the door's answers may do, and what may be done with them. */
export class SafeHeaders {
  readonly #always: Record<string, string>;
  readonly #framedBy: string;
  readonly #media: readonly string[];

  constructor({ FRAME_ANCESTORS, STRICT_TRANSPORT_SECONDS: seconds, MEDIA_PUBLIC_URL: media }: Told) {
    this.#always = { ...saidAlways, ...(seconds > 0 && { 'strict-transport-security': `max-age=${seconds}` }) };
    this.#framedBy = FRAME_ANCESTORS.map((one) => (one.includes('/') ? one : `'${one}'`)).join(' ');
    this.#media = media?.map((url) => new URL(url).origin) ?? ['ws:', 'wss:'];
  }

  /** @returns what is said of an answer to a request for data. */
  ofData(): Record<string, string> {
    return { ...this.#always, ...keptNowhere, 'content-security-policy': ofData };
  }

  /**
   * @param host whom the request was for.
   * @returns what is said of the console and its parts. Scripts and styles are files of the door
   * alone. Older browsers do not take a socket of the same host for `'self'`.
   */
  ofPage(host: string | undefined): Record<string, string> {
    const sockets = host && hostForm.test(host) ? [`ws://${host}`, `wss://${host}`] : [];
    const policy = [
      "default-src 'none'",
      "script-src 'self'",
      "style-src 'self'",
      // People's pictures lie elsewhere.
      "img-src 'self' data: https:",
      "media-src 'self' blob:",
      "font-src 'self'",
      `connect-src ${["'self'", ...sockets, ...this.#media].join(' ')}`,
      "base-uri 'none'",
      "form-action 'self'",
      `frame-ancestors ${this.#framedBy}`,
    ];
    return { ...this.#always, 'content-security-policy': policy.join('; ') };
  }
}
