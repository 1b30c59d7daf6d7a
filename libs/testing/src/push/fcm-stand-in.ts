import { createPublicKey, generateKeyPairSync, type KeyObject, randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { StandInCertificate } from './certificate.js';
import { readToken } from './signed-token.js';

/** A service account, as the file has it that Firebase's console gives. */
export interface ServiceAccount {
  type: 'service_account';
  project_id: string;
  client_email: string;
  private_key: string;
  token_uri: string;
}

/** A message that was accepted. */
export interface FcmPush {
  token: string;
  data: Record<string, string>;
  android: { priority?: string; ttl?: string; collapse_key?: string };
  at: number;
}

interface Refusal {
  status: number;
  code: 'UNREGISTERED' | 'QUOTA_EXCEEDED' | 'UNAVAILABLE' | 'INVALID_ARGUMENT';
  /** In seconds. */
  retryAfter?: number;
}

let made = 0;

/** @returns the account of a project that nobody else has. */
export function makeServiceAccount(): ServiceAccount {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  made += 1;
  const project = `project-${process.pid}-${made}`;
  return {
    type: 'service_account',
    project_id: project,
    client_email: `push@${project}.iam.gserviceaccount.com`,
    private_key: String(privateKey.export({ type: 'pkcs8', format: 'pem' })),
    token_uri: 'https://oauth2.googleapis.com/token',
  };
}

/** Acts as Google's token service and as FCM v1: over TLS alone, and refuses what those would refuse. */
export class FcmStandIn {
  readonly pushes: FcmPush[] = [];
  /** What is said of a token instead of taking the message, as often as there are answers; the last one stays. */
  readonly answers = new Map<string, Refusal[]>();
  readonly refusals: string[] = [];
  /** How long each answer to a message takes, in milliseconds. */
  delayMs = 0;
  /** Gets what is accepted in place of {@link pushes}. */
  onPush: ((push: FcmPush) => void) | undefined;
  tokensGiven = 0;
  connections = 0;
  /** Requests for messages, whatever became of them. */
  asked = 0;
  readonly #accounts = new Map<string, { account: ServiceAccount; key: KeyObject }>();
  readonly #bearers = new Map<string, string>();
  readonly #server: Server;

  private constructor({ cert, key }: StandInCertificate) {
    this.#server = createServer({ cert, key }, (request, response) => void this.#take(request, response));
    // Google keeps a connection for minutes: whoever pushes now and then does not begin each time anew.
    this.#server.keepAliveTimeout = 240_000;
    this.#server.on('secureConnection', () => (this.connections += 1));
  }

  /** @param port a free one when left out. */
  static async start(certificate: StandInCertificate, port = 0): Promise<FcmStandIn> {
    const started = new FcmStandIn(certificate);
    await new Promise<void>((resolve, reject) => {
      started.#server.once('error', reject);
      started.#server.listen(port, '127.0.0.1', resolve);
    });
    return started;
  }

  get place(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Has it know a project. */
  knows(account: ServiceAccount): void {
    this.#accounts.set(account.client_email, { account, key: createPublicKey(account.private_key) });
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = '';
    for await (const part of request) body += String(part);
    const say = (status: number, answer: object, headers: Record<string, string> = {}) => {
      response.writeHead(status, { 'content-type': 'application/json; charset=UTF-8', ...headers });
      response.end(JSON.stringify(answer));
    };
    const { host = '' } = request.headers;
    if (host.startsWith('oauth2.googleapis.com') && request.url === '/token') return this.#giveToken(body, say);
    if (!host.startsWith('fcm.googleapis.com')) return say(404, { error: { status: 'NOT_FOUND' } });
    this.asked += 1;
    if (this.delayMs > 0) await new Promise((resolve) => setTimeout(resolve, this.delayMs));
    return this.#message(request, body, say);
  }

  #giveToken(body: string, say: (status: number, answer: object) => void): void {
    const assertion = new URLSearchParams(body).get('assertion') ?? (safeJson(body).assertion as string | undefined) ?? '';
    const token = readToken(assertion);
    const known = this.#accounts.get(String(token?.claims.iss));
    const isGood =
      token?.header.alg === 'RS256' &&
      known !== undefined &&
      token.isSignedBy(known.key) &&
      token.claims.aud === 'https://oauth2.googleapis.com/token' &&
      Number(token.claims.exp) > Date.now() / 1000 &&
      String(token.claims.scope).includes('https://www.googleapis.com/auth/firebase.messaging');
    if (!isGood || !known) return say(400, { error: 'invalid_grant', error_description: 'Invalid JWT Signature.' });
    const bearer = `ya29.${randomUUID()}`;
    this.#bearers.set(bearer, known.account.project_id);
    this.tokensGiven += 1;
    say(200, { access_token: bearer, expires_in: 3599, token_type: 'Bearer' });
  }

  #message(request: IncomingMessage, body: string, say: (status: number, answer: object, headers?: Record<string, string>) => void): void {
    const refuse = (status: number, name: string, code?: string, retryAfter?: number) => {
      this.refusals.push(code ?? name);
      const details = code ? [{ '@type': 'type.googleapis.com/google.firebase.fcm.v1.FcmError', errorCode: code }] : [];
      const headers: Record<string, string> = retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) };
      say(status, { error: { code: status, message: name, status: name, details } }, headers);
    };
    const project = this.#bearers.get(/^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1] ?? '');
    if (!project) return refuse(401, 'UNAUTHENTICATED');
    if (request.method !== 'POST' || request.url !== `/v1/projects/${project}/messages:send`) return refuse(403, 'PERMISSION_DENIED');
    const { message, validate_only: isTry } = safeJson(body) as { message?: FcmPush & { token?: string }; validate_only?: boolean };
    const fault = faultOfMessage(message);
    if (fault || !message) return refuse(400, 'INVALID_ARGUMENT', 'INVALID_ARGUMENT');
    const answers = this.answers.get(message.token) ?? [];
    const answer = answers.length > 1 ? answers.shift() : answers[0];
    if (answer) {
      const name = { UNREGISTERED: 'NOT_FOUND', QUOTA_EXCEEDED: 'RESOURCE_EXHAUSTED' }[answer.code as string] ?? answer.code;
      return refuse(answer.status, name, answer.code, answer.retryAfter);
    }
    if (!isTry) this.#accept({ ...message, at: Date.now() });
    say(200, { name: `projects/${project}/messages/${randomUUID()}` });
  }

  #accept(push: FcmPush): void {
    if (this.onPush) this.onPush(push);
    else this.pushes.push(push);
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}

function safeJson(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return {};
  }
}

/** What FCM calls an invalid argument: values of data that are no texts, a time to live that is no duration, a token it never gave. */
function faultOfMessage(message: FcmPush | undefined): string | undefined {
  if (!message?.token || message.token.length < 16 || message.token.startsWith('nobody')) return 'token';
  if (Object.values(message.data ?? {}).some((value) => typeof value !== 'string')) return 'data';
  if (Buffer.byteLength(JSON.stringify(message.data ?? {})) > 4096) return 'too large';
  const { ttl = '0s', priority = 'high' } = message.android ?? {};
  if (!/^\d+(\.\d+)?s$/.test(ttl)) return 'ttl';
  return ['high', 'normal', 'HIGH', 'NORMAL'].includes(priority) ? undefined : 'priority';
}
