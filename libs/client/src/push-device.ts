import type { DeviceId, PushRegistrationView, PushTarget, Told } from '@communication-center/contracts';
import type { Rest } from './rest.js';

/** Where this device is pushed to while no socket of it is open, so that it rings with the app closed. */
export class PushDevice {
  constructor(
    private readonly rest: Rest,
    private readonly deviceId: DeviceId,
  ) {}

  /**
   * Registers a token, as the platform gave it. Say it at every start of the app, and whenever the platform gives another: a device that
   * has not been heard of for long is forgotten. Whoever had the token before, as on a phone that changed hands, is pushed to there no more.
   * @throws CenterError when the Center says no.
   */
  async register(target: PushTarget): Promise<Told<PushRegistrationView>> {
    return this.rest.registerPush(this.deviceId, target);
  }

  /** @returns what is registered of this device. */
  async registrations(): Promise<Told<PushRegistrationView>[]> {
    return this.rest.pushRegistrations(this.deviceId);
  }

  /** Forgets all of this device: no call of this user is pushed to it any more. */
  async forget(): Promise<void> {
    await this.rest.forgetPush(this.deviceId);
  }
}
