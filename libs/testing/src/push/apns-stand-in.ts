import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import {
  createSecureServer,
  type Http2SecureServer,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { AddressInfo } from 'node:net';
import type { StandInCertificate } from './certificate.js';
import { readToken } from './signed-token.js';

/** An app as Apple knows it, with the key its server signs with. */
export interface AppleApp {
  key: string;
  keyId: string;
  teamId: string;
  bundleId: string;
}

/** A push that was accepted. */
export interface ApnsPush {
  token: string;
  headers: IncomingHttpHeaders;
  payload: Record<string, unknown>;
  /** In milliseconds since 1970. */
  at: number;
}

interface Refusal {
  status: number;
  reason: string;
  timestamp?: number;
  /** In seconds. */
  retryAfter?: number;
}

const tokenAgeSeconds = 3600;
let made = 0;

/** @returns an app that nobody else has. */
export function makeAppleApp(): AppleApp {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  made += 1;
  const keyId = `K${process.pid}`.padEnd(6, '0').slice(0, 6) + String(made).padStart(4, '0');
  const key = String(privateKey.export({ type: 'pkcs8', format: 'pem' }));
  return { key, keyId, teamId: 'TEAM000001', bundleId: `com.example.app${process.pid}x${made}` };
}

/** Acts as Apple's push service: over HTTP/2 and TLS alone, and refuses what that would refuse, in the same words. */
export class ApnsStandIn {
  readonly pushes: ApnsPush[] = [];
  /** What is said of a token instead of taking the push, as often as there are answers; the last one stays. */
  readonly answers = new Map<string, Refusal[]>();
  /** What was refused, and why. */
  readonly refusals: string[] = [];
  /** How long each answer takes, in milliseconds. */
  delayMs = 0;
  sessions = 0;
  /** Gets what is accepted in place of {@link pushes}. */
  onPush: ((push: ApnsPush) => void) | undefined;
  readonly #apps = new Map<string, { app: AppleApp; key: KeyObject }>();
  readonly #open = new Set<ServerHttp2Session>();
  readonly #server: Http2SecureServer;
  #goAwayAfter = Number.POSITIVE_INFINITY;

  private constructor({ cert, key }: StandInCertificate) {
    this.#server = createSecureServer({ cert, key, allowHTTP1: false });
    this.#server.on('session', (session) => {
      this.sessions += 1;
      this.#open.add(session);
      session.on('close', () => this.#open.delete(session));
      session.on('error', () => undefined);
    });
    this.#server.on('stream', (stream, headers) => this.#take(stream, headers));
    this.#server.on('sessionError', () => undefined);
  }

  /** @param port a free one when left out. */
  static async start(certificate: StandInCertificate, port = 0): Promise<ApnsStandIn> {
    const started = new ApnsStandIn(certificate);
    await new Promise<void>((resolve, reject) => {
      started.#server.once('error', reject);
      started.#server.listen(port, '127.0.0.1', resolve);
    });
    return started;
  }

  get place(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Has it know an app. */
  knows(app: AppleApp): void {
    this.#apps.set(app.keyId, { app, key: createPublicKey(app.key) });
  }

  /** Sends each session away that has taken so many more pushes: what comes after is not processed. */
  goAwayAfter(pushes: number): void {
    this.#goAwayAfter = pushes;
  }

  #take(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
    stream.on('error', () => undefined);
    this.#goAwayAfter -= 1;
    if (this.#goAwayAfter === 0) {
      // The last stream that is processed is the one before: this one is the client's to send again.
      stream.session?.goaway(0, (stream.id ?? 1) - 2);
      stream.close(7);
      stream.session?.close();
      return;
    }
    let body = '';
    stream.setEncoding('utf8');
    stream.on('data', (part) => (body += part));
    const answer = () => this.#answer(stream, headers, body);
    // A timer takes a millisecond at least.
    stream.on('end', () => (this.delayMs > 0 ? setTimeout(answer, this.delayMs) : answer()));
  }

  #answer(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, body: string): void {
    if (stream.destroyed) return;
    const token = /^\/3\/device\/(.+)$/.exec(String(headers[':path']))?.[1] ?? '';
    const { status, reason, timestamp, retryAfter } = this.#judge(token, headers, body);
    stream.respond({ ':status': status, ...(retryAfter !== undefined && { 'retry-after': String(retryAfter) }) });
    if (status === 200) {
      const push = { token, headers, payload: JSON.parse(body), at: Date.now() };
      if (this.onPush) this.onPush(push);
      else this.pushes.push(push);
      stream.end();
      return;
    }
    this.refusals.push(reason);
    stream.end(JSON.stringify({ reason, ...(timestamp !== undefined && { timestamp }) }));
  }

  #judge(token: string, headers: IncomingHttpHeaders, body: string): Refusal {
    if (headers[':method'] !== 'POST') return { status: 405, reason: 'MethodNotAllowed' };
    if (token === '') return { status: 404, reason: 'BadPath' };
    const signed = this.#faultOfSender(headers);
    if (typeof signed === 'string') return { status: 403, reason: signed };
    const fault = faultOfHeaders(headers, body, signed);
    if (fault) return fault;
    if (!/^[0-9a-f]{64,200}$/i.test(token) || /^0+$/.test(token)) return { status: 400, reason: 'BadDeviceToken' };
    const answers = this.answers.get(token) ?? [];
    const answer = answers.length > 1 ? answers.shift() : answers[0];
    return answer ?? { status: 200, reason: '' };
  }

  /** @returns the app that signed, or why it is not believed. */
  #faultOfSender({ authorization = '' }: IncomingHttpHeaders): AppleApp | string {
    const token = readToken(/^bearer (.+)$/i.exec(authorization)?.[1] ?? '');
    if (!token) return 'MissingProviderToken';
    const known = this.#apps.get(String(token.header.kid));
    if (token.header.alg !== 'ES256' || !known || token.claims.iss !== known.app.teamId || !token.isSignedBy(known.key))
      return 'InvalidProviderToken';
    const age = Date.now() / 1000 - Number(token.claims.iat);
    return age > tokenAgeSeconds || age < -60 ? 'ExpiredProviderToken' : known.app;
  }

  async stop(): Promise<void> {
    for (const session of this.#open) session.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}

function faultOfHeaders(headers: IncomingHttpHeaders, body: string, { bundleId }: AppleApp): Refusal | undefined {
  const refused = (reason: string, status = 400): Refusal => ({ status, reason });
  const type = headers['apns-push-type'];
  const topic = headers['apns-topic'];
  if (!topic) return refused('MissingTopic');
  if (type !== 'voip' && type !== 'alert') return refused('InvalidPushType');
  if (topic !== (type === 'voip' ? `${bundleId}.voip` : bundleId)) return refused('DeviceTokenNotForTopic');
  if (!['10', '5', '1'].includes(String(headers['apns-priority'] ?? '10'))) return refused('BadPriority');
  if (!/^\d+$/.test(String(headers['apns-expiration'] ?? '0'))) return refused('BadExpirationDate');
  if (Buffer.byteLength(String(headers['apns-collapse-id'] ?? '')) > 64) return refused('BadCollapseId');
  if (Buffer.byteLength(body) > (type === 'voip' ? 5120 : 4096)) return refused('PayloadTooLarge', 413);
  return body === '' ? refused('PayloadEmpty') : undefined;
}
