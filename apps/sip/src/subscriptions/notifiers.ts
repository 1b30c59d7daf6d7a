import type { AppId, Presence } from '@communication-center/contracts';
import type { SipResponse } from '../messages/sip-message.js';
import type { Notifier } from './notifier.js';

/** Every subscription that is told from here: by our tag, by whom it follows, and by the Call-ID under which phones answer. */
export class Notifiers {
  readonly #byTag = new Map<string, Notifier>();
  readonly #byUser = new Map<string, Set<Notifier>>();
  readonly #byCallId = new Map<string, Set<Notifier>>();
  /** What was told last of each user that somebody follows: an older reading is not told, nor an event that is late. */
  readonly #told = new Map<string, Presence>();

  get size(): number {
    return this.#byTag.size;
  }

  /** All there are now, which may be let go one by one. */
  all(): Notifier[] {
    return [...this.#byTag.values()];
  }

  get(localTag: string): Notifier | undefined {
    return this.#byTag.get(localTag);
  }

  /** Those who follow somebody, by {@link nameOf}, which may be let go one by one. */
  of(name: string): Notifier[] {
    return [...(this.#byUser.get(name) ?? [])];
  }

  isFollowed(name: string): boolean {
    return this.#byUser.has(name);
  }

  keep(notifier: Notifier): void {
    const { localTag, appId, userAlias, callId } = notifier.subscription;
    this.#byTag.set(localTag, notifier);
    file(this.#byUser, nameOf(appId, userAlias), notifier);
    file(this.#byCallId, callId, notifier);
  }

  /** Lets a subscription go; answers to what it said are still known as such, until {@link forget}. */
  letGo(notifier: Notifier): void {
    const { localTag, appId, userAlias } = notifier.subscription;
    const name = nameOf(appId, userAlias);
    this.#byTag.delete(localTag);
    if (takeOut(this.#byUser, name, notifier)) this.#told.delete(name);
  }

  forget(notifier: Notifier): void {
    takeOut(this.#byCallId, notifier.subscription.callId, notifier);
  }

  /** Hands the answer to a NOTIFY to the subscription that it is of. */
  take(response: SipResponse): void {
    for (const notifier of this.#byCallId.get(response.callId) ?? []) if (notifier.take(response)) return;
  }

  /** @returns what was told last of somebody who is followed. */
  toldOf(name: string): Presence | undefined {
    return this.#told.get(name);
  }

  /** Notes what is told of somebody. @returns whether it is news of somebody who is followed. */
  note(presence: Presence, appId: AppId): boolean {
    const name = nameOf(appId, presence.userAlias);
    if (!this.#byUser.has(name) || (this.#told.get(name)?.version ?? -1) >= presence.version) return false;
    this.#told.set(name, presence);
    return true;
  }
}

function file(shelf: Map<string, Set<Notifier>>, name: string, notifier: Notifier): void {
  shelf.set(name, (shelf.get(name) ?? new Set()).add(notifier));
}

/** @returns whether it was the last of its name. */
function takeOut(shelf: Map<string, Set<Notifier>>, name: string, notifier: Notifier): boolean {
  const all = shelf.get(name);
  all?.delete(notifier);
  if (all?.size !== 0) return false;
  return shelf.delete(name);
}

/** By which a user is filed: as the log's keys name it. */
export function nameOf(appId: AppId, userAlias: string): string {
  return `${appId}/${userAlias}`;
}
