import { type Call, CommunicationCenter, type ConnectOptions } from '@communication-center/client';
import { eventually } from './eventually.js';
import type { Fleet, TestApp } from './fleet.js';

/** One device of a test, with everything it was told. */
export interface Phone {
  center: CommunicationCenter;
  incoming: Call[];
}

/** Devices that are signed out when the test is over. */
export class Phones {
  readonly #open: CommunicationCenter[] = [];

  constructor(private readonly fleet: Fleet) {}

  async connect(app: TestApp, userAlias: string, options: Partial<ConnectOptions> = {}): Promise<Phone> {
    const center = await CommunicationCenter.connect({
      url: this.fleet.url,
      appId: app.appId,
      userAlias,
      token: () => this.fleet.tokenOf(app, userAlias),
      media: false,
      ...options,
    });
    this.#open.push(center);
    const incoming: Call[] = [];
    center.on('incomingCall', (call) => incoming.push(call));
    return { center, incoming };
  }

  closeAll(): void {
    for (const center of this.#open.splice(0)) center.close();
  }
}

/** @returns the first call that rings a phone. */
export function ringOf(phone: Phone, timeoutMs?: number): Promise<Call> {
  return eventually(`a ring at ${phone.center.userAlias}`, () => phone.incoming.at(-1), timeoutMs);
}

/** Waits until a call is over for its device. @returns why. */
export async function endOf(call: Call, timeoutMs?: number): Promise<string> {
  return (await eventually(`the end of call ${call.callId}`, () => call.end, timeoutMs)).reason;
}
