import { CenterError } from './center-error.js';
import type { ToldParticipant } from './told-call.js';

/** After these the user is out, whoever did it. */
const overCodes = new Set<string>(['already_ended', 'call_not_found', 'not_a_participant', 'dial_cancelled']);

/** @returns whether a refusal says that somebody else, or another device, was quicker. */
export function isOvertaken(error: unknown): boolean {
  return error instanceof CenterError && (overCodes.has(error.code) || error.code === 'already_answered');
}

/**
 * The leaving of a call by this device: it holds here at once, whatever the Center still tells, and the Center is told until it
 * knows. Another stay in the same call, after a join or a new ring, is none that was left.
 */
export class Leaving {
  /** Since when the stay was that was left; `dial`: whatever the dial comes to. */
  #left: string | 'dial' | undefined;
  #telling: Promise<void> | undefined;

  /**
   * @param hangUp tells the Center.
   * @param cancel tells the Center of a dial that it has made no call of yet.
   */
  constructor(
    private readonly hangUp: () => Promise<void>,
    private readonly cancel: (() => void) | undefined,
  ) {}

  /** Whether the Center knows of it, or there was none. */
  get isOver(): boolean {
    return this.#left === undefined;
  }

  begin(me: ToldParticipant | undefined, isPlaced: boolean): void {
    this.#left ??= isPlaced && me?.state === 'connected' ? me.since : 'dial';
  }

  /** Tells the Center, once at a time. @throws CenterError where it cannot be told. */
  tell(isPlaced: boolean): Promise<void> {
    if (!isPlaced) {
      this.cancel?.();
      return Promise.resolve();
    }
    this.#telling ??= this.hangUp()
      .catch((error: unknown) => {
        if (!(error instanceof CenterError && overCodes.has(error.code))) throw error;
      })
      .finally(() => {
        this.#telling = undefined;
      });
    return this.#telling;
  }

  /** Takes up what the Center tells of the user. */
  see(me: ToldParticipant | undefined): void {
    if (this.#left === undefined) return;
    if (this.#left === 'dial' && me?.state === 'connected') this.#left = me.since;
    if (me?.state !== 'connected' || me.since !== this.#left) this.#left = undefined;
  }

  /** Whether this is the stay that was left. */
  isOf(me: ToldParticipant | undefined): boolean {
    return me?.state === 'connected' && (this.#left === me.since || this.#left === 'dial');
  }

  /** Whether the Center has to be told, and is not being told. */
  isDue(me: ToldParticipant | undefined, deviceId: string): boolean {
    return this.isOf(me) && me?.state === 'connected' && me.deviceId === deviceId && !this.#telling;
  }
}
