import { eventually } from '../eventually.js';
import type { Fleet, TestApp } from '../fleet.js';
import { ApnsStandIn, type AppleApp, makeAppleApp } from './apns-stand-in.js';
import { FcmStandIn, makeServiceAccount, type ServiceAccount } from './fcm-stand-in.js';
import { WebPushStandIn } from './web-push-stand-in.js';

/** Stand-ins of all that pushes, where the fleet asks them. */
export class PushServices {
  private constructor(
    private readonly fleet: Fleet,
    readonly apns: ApnsStandIn,
    readonly fcm: FcmStandIn,
    readonly browsers: WebPushStandIn,
  ) {}

  /** The fleet knows one address of each: who else wants to be it waits until it is free. */
  static async start(fleet: Fleet): Promise<PushServices> {
    const { pushCertificate: certificate } = fleet;
    const { apns: apnsPort, google } = fleet.state.ports;
    const apns = await eventually(
      'the port of Apple’s stand-in being free',
      () => ApnsStandIn.start(certificate, apnsPort).catch(() => undefined),
      50_000,
    );
    return new PushServices(fleet, apns, await FcmStandIn.start(certificate, google), await WebPushStandIn.start(certificate));
  }

  /** Gives an app credentials for every provider. @returns them, and the key with which its pages subscribe. */
  async letPush(app: TestApp): Promise<{ apple: AppleApp; account: ServiceAccount; publicKey: string }> {
    const [apple, account] = [makeAppleApp(), makeServiceAccount()];
    this.fleet.noteSecrets(apple.key, account.private_key);
    this.apns.knows(apple);
    this.fcm.knows(account);
    const save = async (body: object) => {
      const { status, body: saved } = await this.fleet.rest<{ publicKey?: string }>('PUT', '/v1/push-credentials', app.key, body);
      if (status !== 200) throw new Error(`Credentials were not saved: ${status} ${JSON.stringify(saved)}`);
      return saved;
    };
    const [, , web] = await Promise.all([
      save({ provider: 'apns', ...apple }),
      save({ provider: 'fcm', serviceAccount: account }),
      save({ provider: 'web_push', subject: 'mailto:ops@example.com' }),
    ]);
    return { apple, account, publicKey: web.publicKey ?? '' };
  }

  async stop(): Promise<void> {
    await Promise.all([this.apns.stop(), this.fcm.stop(), this.browsers.stop()]);
  }
}
