import { createDecipheriv, createECDH, createPublicKey, type ECDH, hkdfSync, randomBytes, randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { StandInCertificate } from './certificate.js';
import { readToken } from './signed-token.js';

/** What a browser tells its page of a subscription. */
export interface Subscription {
  endpoint: string;
  keys: { p256dh: string; auth: string };
}

/** A push that was accepted, as its browser reads it. */
export interface BrowserPush {
  endpoint: string;
  headers: IncomingMessage['headers'];
  payload: Record<string, unknown>;
  at: number;
}

interface Browser {
  ecdh: ECDH;
  auth: Buffer;
  /** The key its page subscribed with: whoever signs with another is refused. */
  applicationServerKey: string;
}

const longestExpirySeconds = 86_400;

/** Acts as the push service of a browser, and as the browser: it checks who signs (RFC 8292) and reads what is pushed (RFC 8291). */
export class WebPushStandIn {
  readonly pushes: BrowserPush[] = [];
  /** What is answered to pushes to an endpoint instead of taking them, as often as there are answers; the last one stays. */
  readonly answers = new Map<string, { status: number; retryAfter?: number }[]>();
  readonly refusals: string[] = [];
  readonly #browsers = new Map<string, Browser>();
  readonly #server: Server;

  private constructor({ cert, key }: StandInCertificate) {
    this.#server = createServer({ cert, key }, (request, response) => void this.#take(request, response));
  }

  /** @param port a free one when left out. */
  static async start(certificate: StandInCertificate, port = 0): Promise<WebPushStandIn> {
    const started = new WebPushStandIn(certificate);
    await new Promise<void>((resolve, reject) => {
      started.#server.once('error', reject);
      started.#server.listen(port, '127.0.0.1', resolve);
    });
    return started;
  }

  get #origin(): string {
    return `https://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Subscribes a browser, as `PushManager.subscribe` does. */
  subscribe(applicationServerKey: string): Subscription {
    const ecdh = createECDH('prime256v1');
    const p256dh = ecdh.generateKeys('base64url');
    const [path, auth] = [`/push/${randomUUID()}`, randomBytes(16)];
    this.#browsers.set(path, { ecdh, auth, applicationServerKey });
    return { endpoint: `${this.#origin}${path}`, keys: { p256dh, auth: auth.toString('base64url') } };
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const endpoint = `${this.#origin}${request.url}`;
    const answers = this.answers.get(endpoint) ?? [];
    const answer = answers.length > 1 ? answers.shift() : answers[0];
    const browser = this.#browsers.get(request.url ?? '');
    const fault = browser ? this.#faultOf(request, browser) : { status: 404, why: 'nobody subscribed here' };
    if (fault ?? answer) {
      this.refusals.push(fault?.why ?? String(answer?.status));
      response.writeHead(
        fault?.status ?? answer?.status ?? 500,
        answer?.retryAfter === undefined ? {} : { 'retry-after': String(answer.retryAfter) },
      );
      response.end();
      return;
    }
    try {
      const payload = JSON.parse(decrypted(Buffer.concat(parts), browser as Browser)) as Record<string, unknown>;
      this.pushes.push({ endpoint, headers: request.headers, payload, at: Date.now() });
      response.writeHead(201, { location: `${this.#origin}/message/${randomUUID()}` }).end();
    } catch (error) {
      // A push service takes what no browser can read; here a test is to fail of it.
      this.refusals.push(`unreadable: ${String(error)}`);
      response.writeHead(400).end();
    }
  }

  #faultOf({ method, headers }: IncomingMessage, browser: Browser): { status: number; why: string } | undefined {
    if (method !== 'POST') return { status: 405, why: 'method' };
    if (!/^\d+$/.test(String(headers.ttl))) return { status: 400, why: 'TTL' };
    if (headers['content-encoding'] !== 'aes128gcm') return { status: 415, why: 'content-encoding' };
    if (headers.topic !== undefined && !/^[A-Za-z0-9_-]{1,32}$/.test(String(headers.topic))) return { status: 400, why: 'topic' };
    if (!['very-low', 'low', 'normal', 'high'].includes(String(headers.urgency ?? 'normal'))) return { status: 400, why: 'urgency' };
    return this.#isSigned(headers.authorization ?? '', browser) ? undefined : { status: 403, why: 'VAPID' };
  }

  #isSigned(authorization: string, { applicationServerKey }: Browser): boolean {
    const [, text = '', k = ''] = /^vapid t=([^,\s]+),\s*k=(\S+)$/.exec(authorization) ?? [];
    const token = readToken(text);
    const point = Buffer.from(k, 'base64url');
    if (!token || k !== applicationServerKey || point.length !== 65) return false;
    const [x, y] = [point.subarray(1, 33).toString('base64url'), point.subarray(33).toString('base64url')];
    const key = createPublicKey({ key: { kty: 'EC', crv: 'P-256', x, y }, format: 'jwk' });
    const left = Number(token.claims.exp) - Date.now() / 1000;
    const isForHere = token.claims.aud === this.#origin && /^(mailto:|https:)/.test(String(token.claims.sub));
    return token.header.alg === 'ES256' && isForHere && left > 0 && left <= longestExpirySeconds && token.isSignedBy(key);
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}

/** Reads a body of one record (RFC 8188 §2, RFC 8291 §3.4). */
function decrypted(body: Buffer, { ecdh, auth }: Browser): string {
  const salt = body.subarray(0, 16);
  const keyLength = body[20] ?? 0;
  const sender = body.subarray(21, 21 + keyLength);
  const sealed = body.subarray(21 + keyLength);
  const derive = (from: Buffer, with_: Buffer, info: Buffer, length: number) => Buffer.from(hkdfSync('sha256', from, with_, info, length));
  const info = Buffer.concat([Buffer.from('WebPush: info\0'), ecdh.getPublicKey(), sender]);
  const secret = derive(ecdh.computeSecret(sender), auth, info, 32);
  const key = derive(secret, salt, Buffer.from('Content-Encoding: aes128gcm\0'), 16);
  const nonce = derive(secret, salt, Buffer.from('Content-Encoding: nonce\0'), 12);
  const decipher = createDecipheriv('aes-128-gcm', key, nonce);
  decipher.setAuthTag(sealed.subarray(-16));
  const padded = Buffer.concat([decipher.update(sealed.subarray(0, -16)), decipher.final()]);
  return padded.subarray(0, padded.lastIndexOf(2)).toString('utf8');
}
