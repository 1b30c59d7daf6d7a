import type { DeviceId } from '@communication-center/contracts';
import type { Call } from './call.js';

/** Longer than a call rings. */
const rememberMs = 180_000;

/** Dials that were taken back before anybody knew whether they had made a call. */
export class TakenBack {
  #dials: { callees: ReadonlySet<string>; until: number }[] = [];

  note(callees: readonly string[]): void {
    this.#dials.push({ callees: new Set(callees), until: Date.now() + rememberMs });
  }

  /** @returns whether one of them made this call; it is forgotten then. A user has one call at a time, so it can be no other's. */
  isOf(call: Call, deviceId: DeviceId): boolean {
    this.#dials = this.#dials.filter(({ until }) => until > Date.now());
    const { state, direction, phase, others } = call;
    const me = state.participants.find(({ userAlias }) => userAlias === state.initiator);
    if (direction !== 'outgoing' || phase !== 'dialing' || me?.state !== 'connected' || me.deviceId !== deviceId) return false;
    const dial = this.#dials.find(({ callees }) => others.every(({ userAlias }) => callees.has(userAlias)));
    this.#dials = this.#dials.filter((one) => one !== dial);
    return dial !== undefined;
  }
}
