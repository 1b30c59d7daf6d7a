import type { EndReason } from '@communication-center/contracts';
import type { ReportError } from '@communication-center/service';
import type { Lane, Lanes, Turn } from '../channels/lanes.js';
import type { PushChannels } from '../channels/push-channels.js';
import type { KeptCredential } from '../credentials/credential-store.js';
import type { KnownCredentials } from '../credentials/known-credentials.js';
import { BreakOff } from './break-off.js';
import { type Carrying, carryPush, providerOf, ringTold, stopTold } from './carry-push.js';
import type { ProviderWords } from './provider-words.js';
import type { Finished, RingPush } from './ring-rows.js';
import type { RingTokens } from './ring-tokens.js';

/** How long a device may be told that the ring is over. */
export const stopForMs = 10_000;

interface CourierParts {
  lanes: Lanes;
  known: Pick<KnownCredentials, 'of'>;
  channels: Pick<PushChannels, 'of'>;
  words: ProviderWords;
  tokens: Pick<RingTokens, 'of'>;
  report: ReportError;
}

/** Takes pushes to their providers: finds what each is to be pushed with, and says what became of it. */
export class Courier {
  constructor(private readonly parts: CourierParts) {}

  laneOf(push: RingPush): Lane {
    return this.parts.lanes.of(push.appId, providerOf(push));
  }

  /** Rings a device. @param signal ends it where there is no use for it any more. @param turn what it has of its lane already. */
  async ring(
    push: RingPush,
    signal: BreakOff,
    turn?: Turn,
  ): Promise<Pick<Finished, 'state' | 'reason' | 'attempts' | 'sentAt' | 'mayRing'>> {
    const none = { attempts: 0, sentAt: null, mayRing: false };
    const { target } = push;
    if (!target) return { ...none, state: 'cancelled', reason: 'the device is registered no more' };
    const credential = await this.#credentialOf(push);
    if (!credential) return { ...none, state: 'failed', reason: `the app has no credentials for ${providerOf(push)} that open here` };
    let token: Promise<string | undefined> | undefined;
    // Signed when its turn comes, and once: what waits takes less memory so, and what is over by then costs nothing.
    const told = async () => {
      token ??= this.#tokenOf(push);
      return ringTold(push, await token);
    };
    return carryPush({ ...this.#carrying(push, credential), target, told, until: push.deadline.getTime(), signal, ...(turn && { turn }) });
  }

  /** Tells a device that its ring is over. @param turn what it has of its lane already. */
  async tellEnd(push: RingPush, reason: EndReason, turn?: Turn): Promise<'accepted' | 'failed'> {
    const { target } = push;
    const credential = target && (await this.#credentialOf(push));
    if (!target || !credential) return 'failed';
    const carrying = { ...this.#carrying(push, credential), target, until: Date.now() + stopForMs, signal: new BreakOff() };
    const { state } = await carryPush({ ...carrying, told: async () => stopTold(push, reason), ...(turn && { turn }) });
    return state === 'accepted' ? 'accepted' : 'failed';
  }

  #carrying(push: RingPush, credential: KeptCredential): Pick<Carrying, 'lane' | 'channel' | 'credential' | 'onOutcome'> {
    const lane = this.laneOf(push);
    const { words, channels } = this.parts;
    return {
      lane,
      channel: channels.of(providerOf(push)),
      credential,
      onOutcome: (outcome, sentAt) => words.heard(push, lane, outcome, { sentAt, version: credential.version }),
    };
  }

  async #credentialOf(push: RingPush): Promise<KeptCredential | undefined> {
    try {
      return await this.parts.known.of(push.appId, providerOf(push));
    } catch (error) {
      this.parts.report(error, 'reading credentials');
      return undefined;
    }
  }

  async #tokenOf(push: RingPush): Promise<string | undefined> {
    try {
      return await this.parts.tokens.of(push);
    } catch (error) {
      this.parts.report(error, 'making a ring token');
      return undefined;
    }
  }
}
