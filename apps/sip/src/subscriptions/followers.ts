import { type AnyEvent, type AppId, farewellOf, type Presence, readEvent } from '@communication-center/contracts';
import { internal } from '@communication-center/contracts/internal';
import type { Endings, ReportError, ServiceClient } from '@communication-center/service';
import type { SipResponse } from '../messages/sip-message.js';
import type { SipTransport } from '../transport/sip-transport.js';
import type { Contacts } from './contacts.js';
import { KeptNotifiers, nameOf } from './kept-notifiers.js';
import { Notifier } from './notifier.js';
import type { Subscription } from './subscription.js';
import type { SubscriptionStore } from './subscription-store.js';

interface FollowersOptions {
  transport: SipTransport;
  contacts: Contacts;
  store: SubscriptionStore;
  presence: ServiceClient;
  /** A phone follows somebody from now on. */
  onKept: () => void;
  onError: ReportError;
}

/** The phones that follow users: each is told where its user is, whenever that changes, until its subscription ends. */
export class Followers {
  readonly #options: FollowersOptions;
  readonly #kept = new KeptNotifiers();
  /** What was told last of each user that somebody follows: an older reading is not told, nor an event that is late. */
  readonly #known = new Map<string, Presence>();

  constructor(options: FollowersOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#kept.size;
  }

  /** How many are of an app. */
  countOf(appId: AppId): number {
    return this.#kept.countOf(appId);
  }

  get(localTag: string): Notifier | undefined {
    return this.#kept.get(localTag);
  }

  /** Takes a phone's answer to what it was told. */
  take(response: SipResponse): void {
    for (const notifier of this.#kept.ofCall(response.callId)) if (notifier.take(response)) return;
  }

  /** Tells nobody any more; subscriptions stand, for the next process. */
  stop(): void {
    for (const notifier of this.#kept.all()) notifier.stop();
  }

  /** Ends the subscriptions of accounts that have ended; all, where nobody can say which have. A phone that still may comes back. */
  deactivate(endings?: Endings): void {
    for (const notifier of this.#kept.all()) {
      const { appId, username } = notifier.subscription;
      const isOver = !endings || (username !== null && endings.include({ appId, username }));
      if (isOver) this.end(notifier, 'deactivated');
    }
  }

  /** From now on this phone follows its user. */
  keep(subscription: Subscription): Notifier {
    const notifier: Notifier = new Notifier(subscription, {
      transport: this.#options.transport,
      contacts: this.#options.contacts,
      onNumbered: (one) =>
        void this.#options.store.save(one).catch((error: unknown) => this.#options.onError(error, 'saving a subscription')),
      onLost: () => this.forget(notifier),
      onError: this.#options.onError,
    });
    this.#kept.add(notifier);
    this.#options.onKept();
    return notifier;
  }

  /** Says where the user is, from a reading that is made now; or that there is none any more, by which the subscription ends. */
  async tellNow(localTag: string, ended?: 'timeout'): Promise<void> {
    const notifier = this.#kept.get(localTag);
    if (!notifier) return;
    const { appId, userAlias } = notifier.subscription;
    let presence: Presence | undefined;
    let isGone = false;
    try {
      presence = await this.read(appId, userAlias);
      isGone = !presence && !ended;
    } catch (error) {
      this.#options.onError(error, 'reading presence for a phone');
      presence = this.#known.get(nameOf(appId, userAlias));
    }
    // It may have ended meanwhile: then its last word was said.
    if (this.#kept.get(localTag) !== notifier) return;
    if (isGone) return this.end(notifier, 'noresource');
    // It may be read before it is heard: those who follow the user already hear of it now, since its event will be no news.
    if (presence && this.#note(presence, appId)) this.#tellAll(presence, appId, notifier);
    notifier.notify(presence, ended);
  }

  /** @returns the newest of what is read now and what the log has told; undefined for somebody who does not exist. */
  async read(appId: AppId, userAlias: string): Promise<Presence | undefined> {
    const asking = { params: { appId }, body: { userAliases: [userAlias] } };
    const [read] = (await this.#options.presence.ask(internal.presenceOfSome, asking, { retryForMs: 1500 })).presences;
    const known = this.#known.get(nameOf(appId, userAlias));
    return known && read && known.version > read.version ? known : read;
  }

  /** @returns whether it is news of somebody who is followed. */
  #note(presence: Presence, appId: AppId): boolean {
    const name = nameOf(appId, presence.userAlias);
    if (!this.#kept.isFollowed(name) || (this.#known.get(name)?.version ?? -1) >= presence.version) return false;
    this.#known.set(name, presence);
    return true;
  }

  /** Tells what the log says of somebody who is followed. */
  onChange(told: AnyEvent): void {
    // The subject is the user's name: what is told of anybody else is not even read.
    if (!this.#kept.isFollowed(told.subject)) return;
    const { appid, data: presence } = readEvent('presence.events', told);
    if (this.#note(presence, appid)) this.#tellAll(presence, appid);
  }

  /**
   * Ends the subscriptions to somebody who was deleted. The log may say so again when there is such a user anew, so it is read. Where that
   * cannot be, phones ask anew, and hear it then.
   */
  async endIfGone(name: string): Promise<void> {
    const [first] = this.#kept.followersOf(name);
    if (!first) return;
    const { appId, userAlias } = first.subscription;
    let reason: 'noresource' | 'deactivated' = 'noresource';
    try {
      if (await this.read(appId, userAlias)) return;
    } catch (error) {
      this.#options.onError(error, 'reading whether somebody was deleted');
      reason = 'deactivated';
    }
    for (const notifier of [...this.#kept.followersOf(name)]) this.end(notifier, reason);
  }

  #tellAll(presence: Presence, appId: AppId, but?: Notifier): void {
    for (const notifier of this.#kept.followersOf(nameOf(appId, presence.userAlias))) if (notifier !== but) notifier.changed(presence);
  }

  /** Ends the subscriptions that were not taken anew in time. */
  expire(): void {
    const now = Date.now();
    for (const notifier of this.#kept.all()) if (notifier.subscription.expiresAt <= now) this.end(notifier, 'timeout');
  }

  /** Says the last word, and lets the subscription go; a phone that does not hear it will not be told again. */
  end(notifier: Notifier, reason: 'timeout' | 'deactivated' | 'noresource'): void {
    const { appId, userAlias } = notifier.subscription;
    // Of who is no more nothing is known; yet a lamp that is lit has to be told to go dark.
    const last = reason === 'noresource' ? farewellOf({ userAlias, version: 0 }) : this.#known.get(nameOf(appId, userAlias));
    notifier.notify(last, reason);
    this.forget(notifier);
  }

  /** Lets a subscription go without a word. */
  forget(notifier: Notifier): void {
    const { localTag, appId, userAlias } = notifier.subscription;
    if (this.#kept.remove(notifier)) this.#known.delete(nameOf(appId, userAlias));
    // Its last NOTIFY may have to be repeated, and is answered yet.
    setTimeout(() => {
      notifier.stop();
      this.#kept.forgetAnswers(notifier);
    }, 5000).unref();
    void this.#options.store.delete(localTag).catch((error: unknown) => this.#options.onError(error, 'deleting a subscription'));
  }
}
