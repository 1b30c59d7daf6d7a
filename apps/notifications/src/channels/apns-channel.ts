import type { ApnsEnvironment } from '@communication-center/contracts';
import { Settings } from '@communication-center/service';
import { Inject, Injectable } from '@nestjs/common';
import type { Notification, Provider } from '@parse/node-apn';
import type { KeptCredential } from '../credentials/credential-store.js';
import { type ApnsMessage, apnsRing } from '../domain/push-messages.js';
import { apnsOutcome, type PushOutcome } from '../domain/push-outcome.js';
import { apnsAlert } from '../domain/pushed-messages.js';
import type { NotificationsSettings } from '../settings.js';
import { KeptClients } from './kept-clients.js';
import { faultOf, type Push, type PushChannel } from './push-channel.js';
import { trusted } from './trusted.js';

/** A session with Apple, and what its library makes pushes of. */
interface Client {
  client: Provider;
  Notification: typeof Notification;
}

/** What the library says of a push that was not taken. */
interface Failure {
  status?: number | string;
  response?: { reason?: string; timestamp?: number };
  error?: Error;
}

/** No device has it: Apple looks at the credentials before it says so. */
const nobody = '0'.repeat(64);

/**
 * Pushes through Apple, over one HTTP/2 session for each app and environment. The library tries nothing again by itself: it would
 * without a pause, and past the ring's deadline; a stream that a GOAWAY left unprocessed is tried again as anything else is.
 */
@Injectable()
export class ApnsChannel implements PushChannel {
  readonly #clients = new KeptClients<Client>(({ client }) => new Promise<void>((done) => client.shutdown(() => done())));

  constructor(@Inject(Settings) private readonly settings: NotificationsSettings) {}

  async send({ credential, target, told, until }: Push): Promise<PushOutcome> {
    if (target.kind !== 'apns_voip' && target.kind !== 'apns_alert') throw new Error(`${target.kind} is not of Apple`);
    if (told.type === 'ring_ended' || credential.credential.provider !== 'apns')
      throw new Error('through Apple no end of a ring is pushed');
    if (Date.now() >= until) return { outcome: 'later', reason: 'too late', mayHaveArrived: false };
    const { bundleId } = credential.credential;
    const message = told.type === 'ring' ? apnsRing(target.kind, bundleId, told) : apnsAlert(bundleId, told, until);
    return this.#hand(credential, target, message);
  }

  async verify(credential: KeptCredential): Promise<PushOutcome> {
    if (credential.credential.provider !== 'apns') throw new Error('these are no credentials of Apple');
    const { bundleId } = credential.credential;
    const payload = { aps: { 'content-available': 1 } };
    const message = { topic: bundleId, pushType: 'alert', priority: 10, expiry: 0, collapseId: 'verify', payload } as const;
    const outcome = await this.#hand(credential, { token: nobody, environment: 'production' }, message);
    return outcome.outcome === 'refused' && !outcome.isOfCredentials ? { outcome: 'accepted' } : outcome;
  }

  async #hand(
    credential: KeptCredential,
    { token, environment }: { token: string; environment: ApnsEnvironment },
    message: ApnsMessage,
  ): Promise<PushOutcome> {
    try {
      const { client, Notification } = await this.#clients.get(`${credential.appId} ${environment}`, credential.version, () =>
        this.#connect(credential, environment),
      );
      const { payload, ...headers } = message;
      const notification = Object.assign(new Notification(), headers, { rawPayload: payload });
      const { failed } = await client.send(notification, token);
      return failed[0] ? outcomeOf(failed[0] as Failure) : { outcome: 'accepted' };
    } catch (error) {
      return { outcome: 'later', reason: faultOf(error), mayHaveArrived: false };
    }
  }

  async #connect({ credential }: KeptCredential, environment: ApnsEnvironment): Promise<Client> {
    if (credential.provider !== 'apns') throw new Error('these are no credentials of Apple');
    const { Provider, Notification } = (await import('@parse/node-apn')).default;
    const { key, keyId, teamId } = credential;
    const place = environment === 'production' ? this.settings.APNS_HOST : this.settings.APNS_DEVELOPMENT_HOST;
    const [address = '', port] = place.split(':');
    const ca = await trusted(this.settings.PUSH_CA_FILE);
    const client = new Provider({
      token: { key, keyId, teamId },
      production: environment === 'production',
      address,
      port: Number(port),
      ...(ca && { ca: ca.map((one) => Buffer.from(one)) }),
      connectionRetryLimit: 0,
      requestTimeout: this.settings.PUSH_TIMEOUT_MS,
    });
    return { client, Notification };
  }

  async close(): Promise<void> {
    await this.#clients.closeAll();
  }
}

function outcomeOf({ status, response, error }: Failure): PushOutcome {
  const reason = response?.reason ?? (status === undefined ? undefined : error?.message);
  return apnsOutcome({
    status: typeof status === 'number' ? status : undefined,
    reason,
    timestamp: response?.timestamp,
    error: error && faultOf(error),
  });
}
