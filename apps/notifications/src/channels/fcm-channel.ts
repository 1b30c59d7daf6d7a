import { randomUUID } from 'node:crypto';
import { type LineLog, Log, Settings } from '@communication-center/service';
import { Inject, Injectable } from '@nestjs/common';
import type { Messaging } from 'firebase-admin/messaging';
import type { KeptCredential } from '../credentials/credential-store.js';
import { type FcmMessage, fcmMessage } from '../domain/push-messages.js';
import { fcmOutcome, type PushOutcome, parseRetryAfter } from '../domain/push-outcome.js';
import { fcmAlert } from '../domain/pushed-messages.js';
import type { NotificationsSettings } from '../settings.js';
import { KeptClients } from './kept-clients.js';
import { LedAgent } from './led-agent.js';
import { faultOf, type Push, type PushChannel } from './push-channel.js';
import { trusted } from './trusted.js';

const fcmHost = 'fcm.googleapis.com';
const messagingScope = 'https://www.googleapis.com/auth/firebase.messaging';

interface Client {
  messaging: Messaging;
  agent: LedAgent;
  close: () => Promise<void>;
}

/** How the library tells a failure. */
interface Failure {
  code?: string;
  message?: string;
}

/**
 * Pushes through Firebase: one client for each app, with `send`, which keeps its connections. The library tries again by itself, up to a
 * minute later; its agent ends that, and the answer is known as soon as it is there.
 */
@Injectable()
export class FcmChannel implements PushChannel {
  readonly #clients = new KeptClients<Client>((client) => client.close());

  constructor(
    @Inject(Settings) private readonly settings: NotificationsSettings,
    @Inject(Log) private readonly log: LineLog,
  ) {}

  async send({ credential, target, told, until }: Push): Promise<PushOutcome> {
    if (target.kind !== 'fcm') throw new Error(`${target.kind} is not of Firebase`);
    const leftMs = until - Date.now();
    if (leftMs <= 0) return { outcome: 'later', reason: 'too late', mayHaveArrived: false };
    const { token } = target;
    return this.#hand(credential, told.type === 'notification' ? fcmAlert(token, told, leftMs) : fcmMessage(token, told, leftMs), false);
  }

  async verify(credential: KeptCredential): Promise<PushOutcome> {
    if (credential.credential.provider !== 'fcm') throw new Error('these are no credentials of Firebase');
    const android = { priority: 'high' as const, ttl: 0, collapseKey: 'verify' };
    const message = { token: 'nobody-has-this-token', data: {}, android };
    const outcome = await this.#hand(credential, message, true);
    // Whoever is told that nobody has this token was let in.
    const isLetIn = outcome.outcome === 'dead' || (outcome.outcome === 'refused' && !outcome.isOfCredentials);
    return isLetIn ? { outcome: 'accepted' } : outcome;
  }

  async #hand(credential: KeptCredential, message: FcmMessage, isTry: boolean): Promise<PushOutcome> {
    try {
      const client = await this.#clients.get(credential.appId, credential.version, () => this.#connect(credential));
      return await this.#ask(client, message, isTry);
    } catch (error) {
      return { outcome: 'later', reason: faultOf(error), mayHaveArrived: false };
    }
  }

  async #ask({ messaging, agent }: Client, message: FcmMessage, isTry: boolean): Promise<PushOutcome> {
    const early = Promise.withResolvers<PushOutcome>();
    let answered: { status: number; retryAfterMs: number | undefined } | undefined;
    const onAnswer = (status: number, retryAfter: string | undefined) => {
      answered = { status, retryAfterMs: parseRetryAfter(retryAfter, Date.now()) ?? undefined };
      // The library would wait, and try again: whoever waits for the outcome has it now.
      if (status === 429 || status >= 500) early.resolve(fcmOutcome({ code: 'busy', message: '', ...answered }));
    };
    const timer = setTimeout(
      () => early.resolve({ outcome: 'later', reason: 'no answer in time', mayHaveArrived: watched.hasBegun === true }),
      this.settings.PUSH_TIMEOUT_MS,
    );
    const watched = { host: fcmHost, onAnswer, hasBegun: false };
    const sent = agent
      .watch(watched, () => messaging.send(message, isTry))
      .then(
        (): PushOutcome => ({ outcome: 'accepted' }),
        (error: Failure) => {
          const { code = 'unknown', message: text = '' } = error;
          return fcmOutcome({ code, message: text, ...answered });
        },
      );
    try {
      return await Promise.race([sent, early.promise]);
    } finally {
      clearTimeout(timer);
      // What the library still does with it is no further request.
      watched.hasBegun = true;
    }
  }

  async #connect({ credential, version }: KeptCredential): Promise<Client> {
    if (credential.provider !== 'fcm') throw new Error('these are no credentials of Firebase');
    const [{ deleteApp, initializeApp }, { getMessaging }, { JWT }] = await Promise.all([
      import('firebase-admin/app'),
      import('firebase-admin/messaging'),
      import('google-auth-library'),
    ]);
    const { projectId, clientEmail, privateKey } = credential;
    const [host = '', port] = this.settings.GOOGLE_HOST.split(':');
    const ca = await trusted(this.settings.PUSH_CA_FILE);
    const isElsewhere = host !== fcmHost || port !== '443';
    const agent = new LedAgent({
      maxSockets: this.settings.PUSH_CONCURRENCY,
      ...(ca && { ca }),
      ...(isElsewhere && { place: { host, port: Number(port) } }),
    });
    // Of this library's names each is given once, and a client may be made again.
    const name = `${version} ${randomUUID()}`;
    // Not the library's own `cert`: that takes an agent, and asks for its tokens without it.
    const signer = new JWT({ email: clientEmail, key: privateKey, scopes: [messagingScope], transporterOptions: { agent } });
    const getAccessToken = async () => {
      const { access_token: token, expiry_date: expiresAt } = await signer.authorize();
      return { access_token: token ?? '', expires_in: Math.floor(((expiresAt ?? Date.now()) - Date.now()) / 1000) };
    };
    const app = initializeApp({ credential: { getAccessToken }, projectId, httpAgent: agent }, name);
    this.log.info({ projectId }, 'made a client of Firebase');
    return {
      messaging: getMessaging(app),
      agent,
      close: async () => {
        await deleteApp(app);
        agent.destroy();
      },
    };
  }

  async close(): Promise<void> {
    await this.#clients.closeAll();
  }
}
