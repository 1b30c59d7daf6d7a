import type { AppId } from '@communication-center/contracts';
import type { Notifier } from './notifier.js';

/** Those who tell phones of this replica's subscriptions: by what they are asked for. */
export class KeptNotifiers {
  /** By our tag. */
  readonly #byTag = new Map<string, Notifier>();
  readonly #byUser = new Map<string, Set<Notifier>>();
  readonly #byCallId = new Map<string, Set<Notifier>>();
  readonly #ofApp = new Map<AppId, number>();

  get size(): number {
    return this.#byTag.size;
  }

  /** How many are of an app. */
  countOf(appId: AppId): number {
    return this.#ofApp.get(appId) ?? 0;
  }

  add(notifier: Notifier): void {
    const { localTag, appId, userAlias, callId } = notifier.subscription;
    if (!this.#byTag.has(localTag)) this.#ofApp.set(appId, this.countOf(appId) + 1);
    this.#byTag.set(localTag, notifier);
    file(this.#byUser, nameOf(appId, userAlias), notifier);
    file(this.#byCallId, callId, notifier);
  }

  /** Takes it from those who are told; it still hears answers, see {@link forgetAnswers}. @returns whether it was the last that follows its user. */
  remove({ subscription: { localTag, appId, userAlias } }: Notifier): boolean {
    const notifier = this.#byTag.get(localTag);
    if (!notifier) return false;
    this.#byTag.delete(localTag);
    const left = this.countOf(appId) - 1;
    if (left > 0) this.#ofApp.set(appId, left);
    else this.#ofApp.delete(appId);
    return takeOut(this.#byUser, nameOf(appId, userAlias), notifier);
  }

  /** Lets go of what answers to its last word were waited for. */
  forgetAnswers(notifier: Notifier): void {
    takeOut(this.#byCallId, notifier.subscription.callId, notifier);
  }

  get(localTag: string): Notifier | undefined {
    return this.#byTag.get(localTag);
  }

  /** @returns those that are there now. */
  all(): Notifier[] {
    return [...this.#byTag.values()];
  }

  /** @param name see {@link nameOf}. */
  followersOf(name: string): Iterable<Notifier> {
    return this.#byUser.get(name) ?? [];
  }

  isFollowed(name: string): boolean {
    return this.#byUser.has(name);
  }

  ofCall(callId: string): Iterable<Notifier> {
    return this.#byCallId.get(callId) ?? [];
  }
}

/** @returns the name of a user among those of all apps, as subjects of events have it. */
export function nameOf(appId: AppId, userAlias: string): string {
  return `${appId}/${userAlias}`;
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
