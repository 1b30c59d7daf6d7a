import { type AnyEvent, type AppId, farewellOf, type Presence, readEvent, userAliasSchema } from '@communication-center/contracts';
import { internal } from '@communication-center/contracts/internal';
import { EventLog, EventLogServer, Rest, Tail } from '@communication-center/event-log';
import {
  type Endings,
  FollowEnds,
  Identity,
  type Mark,
  ProblemError,
  Replicas,
  Report,
  type ReportError,
  ServiceClient,
  Settings,
} from '@communication-center/service';
import { FairShare } from '@communication-center/service/fair-share';
import { type BeforeApplicationShutdown, Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { DigestAuthenticator } from '../authenticate/digest-authenticator.js';
import { refusalOf } from '../messages/methods.js';
import { type Peer, parseMessage, responseTo, type SipRequest, type SipResponse, uriIn } from '../messages/sip-message.js';
import type { SipSettings } from '../settings.js';
import { Answers } from '../transport/answers.js';
import { SipTransport } from '../transport/sip-transport.js';
import { tlsOf } from '../transport/tls-files.js';
import { type Contacts, contactOf } from './contacts.js';
import { KeptNotifiers, nameOf } from './kept-notifiers.js';
import { Notifier } from './notifier.js';
import type { Subscription } from './subscription.js';
import { SubscriptionStore } from './subscription-store.js';
import {
  allow,
  type Headers,
  isAddress,
  localUriOf,
  newTag,
  retryLater,
  tooManyConnections,
  tooManySubscriptions,
  wishOf,
} from './wishes.js';

/** Subscriptions outlive the process that took them: accounts that ended meanwhile are asked for as well. */
const rememberSeconds = 1800;

/** Who subscribes. */
interface Subscriber {
  appId: AppId;
  username: string;
  /** Of before the account was looked at. */
  mark: Mark;
}

/** Takes phones' subscriptions and tells them where their users are, whenever that changes (RFC 6665). */
@Injectable()
export class Subscriptions implements OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly #transport: SipTransport;
  /** Where no phone follows anybody, nobody waits for changes. */
  readonly #rest = Rest.unless(() => this.#kept.size > 0);
  readonly #tail: Tail;
  readonly #presence: ServiceClient;
  readonly #contacts: Contacts;
  readonly #ends: FollowEnds;
  readonly #kept = new KeptNotifiers();
  /** What was told last of each user that somebody follows: an older reading is not told, nor an event that is late. */
  readonly #known = new Map<string, Presence>();
  readonly #answered = new Answers();
  #expiring: NodeJS.Timeout | undefined;

  constructor(
    private readonly authenticator: DigestAuthenticator,
    private readonly store: SubscriptionStore,
    private readonly shares: FairShare,
    identity: Identity,
    log: EventLog,
    server: EventLogServer,
    @Inject(Settings) private readonly settings: SipSettings,
    @Inject(Report) private readonly report: ReportError,
  ) {
    const tls = tlsOf(settings);
    this.#contacts = {
      plain: `${settings.SIP_PUBLIC_HOST}:${settings.SIP_PORT}`,
      secure: tls && `${settings.SIP_PUBLIC_HOST}:${tls.port}`,
    };
    this.#presence = new ServiceClient(identity, 'presence', new Replicas(settings.PRESENCE_URL));
    this.#ends = new FollowEnds({
      directory: new ServiceClient(identity, 'directory', new Replicas(settings.DIRECTORY_URL)),
      rememberSeconds,
      isNobodyIn: () => this.#kept.size === 0,
      onEnded: (endings) => this.#deactivate(endings),
      onLost: () => this.#deactivate(),
      onError: report,
    });
    this.#transport = new SipTransport({
      host: settings.SIP_HOST,
      port: settings.SIP_PORT,
      tls,
      clients: settings,
      maxConnections: settings.MAX_CONNECTIONS,
      onMessage: (bytes, peer) => this.#onMessage(bytes, peer),
      onTooMany: tooManyConnections,
      onError: report,
    });
    this.#tail = new Tail({
      log,
      topic: 'presence.events',
      onEvent: (event) => this.#onChange(event),
      onErased: (name) => void this.#endIfGone(name),
      rest: this.#rest,
      onError: report,
    });
    server.include('sip.subscriptions', this.#tail);
  }

  /** Goes on with what an earlier process at this address left, before the port opens. */
  async onApplicationBootstrap(): Promise<void> {
    await this.#tail.start();
    const left = await this.store.load();
    for (const subscription of left) this.#keep(subscription);
    this.#ends.start();
    await this.#transport.open();
    this.#expiring = setInterval(() => this.#expire(), 1000);
    for (const { localTag } of left) void this.#tellNow(localTag).catch((error: unknown) => this.report(error, 'telling a phone again'));
  }

  async beforeApplicationShutdown(): Promise<void> {
    clearInterval(this.#expiring);
    this.#ends.stop();
    for (const notifier of this.#kept.all()) notifier.stop();
    await this.#tail.stop();
    await this.#transport.close();
  }

  #onMessage(bytes: Buffer, peer: Peer): void {
    const message = parseMessage(bytes);
    if (!message) return;
    if ('response' in message) return this.#onResponse(message.response);
    const { request } = message;
    if (request.method === 'ACK') return;
    const name = `${request.branch} ${request.callId} ${request.cseq} ${peer.host}:${peer.port}`;
    const before = this.#answered.get(name);
    // An empty answer is one that is still being thought about.
    if (before !== undefined) return before ? this.#transport.send(before, peer) : undefined;
    this.#answered.set(name, '');
    void this.#onRequest(request, peer, (status, headers = [], tag = newTag()) => {
      const answer = responseTo(request, peer, status, tag, headers);
      this.#answered.set(name, answer);
      this.#transport.send(answer, peer);
    }).catch((error: unknown) => this.report(error, 'answering a SIP request'));
  }

  #onResponse(response: SipResponse): void {
    for (const notifier of this.#kept.ofCall(response.callId)) if (notifier.take(response)) return;
  }

  async #onRequest(request: SipRequest, peer: Peer, answer: (status: number, headers?: Headers, tag?: string) => void): Promise<void> {
    try {
      if (request.method === 'OPTIONS') return answer(200, allow);
      const refusal = refusalOf(request.method);
      if (refusal) return answer(refusal, allow);
      const mark = await this.#ends.mark();
      const verdict = await this.authenticator.check(request, peer);
      if ('status' in verdict) return answer(verdict.status, verdict.headers);
      if (!this.#transport.signIn(peer)) return answer(503, retryLater);
      await this.#subscribe({ ...verdict, mark }, request, peer, answer);
    } catch (error) {
      if (!(error instanceof ProblemError)) this.report(error, 'answering a SIP request');
      const code = error instanceof ProblemError ? error.code : undefined;
      if (code === 'unauthenticated') return answer(403);
      answer(code === 'service_unavailable' ? 503 : 500, [['Retry-After', '5']]);
    }
  }

  async #subscribe(
    { appId, username, mark }: Subscriber,
    request: SipRequest,
    peer: Peer,
    answer: (status: number, headers?: Headers, tag?: string) => void,
  ): Promise<void> {
    const wish = wishOf(request, this.settings);
    if ('status' in wish) return answer(wish.status, wish.headers);
    const { event, expires } = wish;
    const limited = await this.#limitedFor({ appId, username }, request, expires, peer);
    if (limited) return answer(limited.status, limited.headers);
    const accepted = (headers: Headers = []): Headers => [
      ...headers,
      ['Expires', String(expires)],
      ['Contact', contactOf({ localUri: localUriOf(request), peer }, this.#contacts).header],
    ];
    if (request.toTag) {
      const known = this.#kept.get(request.toTag);
      if (
        known?.subscription.callId !== request.callId ||
        known.subscription.remoteTag !== request.fromTag ||
        known.subscription.appId !== appId
      )
        return answer(481);
      // A repeat that took another way, or came late, is older than what was taken (RFC 3261 §12.2.2).
      if (request.cseq <= known.subscription.remoteCseq) return answer(500);
      this.#ends.requireStill({ appId, username }, mark);
      Object.assign(known.subscription, { username, peer, remoteCseq: request.cseq, expiresAt: Date.now() + expires * 1000 });
      await this.store.save(known.subscription);
      answer(200, accepted(), request.toTag);
      return expires === 0 ? this.#end(known, 'timeout') : this.#tellNow(request.toTag);
    }
    const contact = uriIn(request.header('contact'));
    const remoteUri = uriIn(request.header('from'));
    const userAlias = userAliasSchema.safeParse(request.user);
    if (!isAddress(contact) || !isAddress(remoteUri)) return answer(400);
    if (!userAlias.success || !(await this.#read(appId, userAlias.data))) return answer(404);
    if (this.#kept.size >= this.settings.MAX_SUBSCRIPTIONS) return answer(503, retryLater);
    if (this.#kept.countOf(appId) >= this.settings.SUBSCRIPTIONS_PER_APP) return answer(480, retryLater);
    const subscription: Subscription = {
      localTag: newTag(),
      appId,
      username,
      userAlias: userAlias.data,
      package: event,
      callId: request.callId,
      remoteTag: request.fromTag,
      localUri: localUriOf(request),
      remoteUri,
      remoteTarget: contact,
      peer,
      remoteCseq: request.cseq,
      localCseq: 0,
      version: 0,
      told: [],
      expiresAt: Date.now() + expires * 1000,
    };
    await this.store.add(subscription);
    const notifier = await this.#keepUnlessEnded(subscription, mark);
    answer(200, accepted(), subscription.localTag);
    await this.#tellNow(subscription.localTag, expires === 0 ? 'timeout' : undefined);
    if (expires === 0) this.#forget(notifier);
  }

  /** @returns how to refuse what is beyond the share of the account, its app or its address; undefined for what is not. Whoever ends one is never refused. */
  async #limitedFor({ appId, username }: Pick<Subscriber, 'appId' | 'username'>, { toTag }: SipRequest, expires: number, peer: Peer) {
    if (toTag && expires === 0) return undefined;
    const actor = { subject: { kind: 'sip_account' as const, appId, username }, address: this.#transport.addressOf(peer) };
    const { refused } = await this.shares.take('sip_subscriptions', actor);
    return refused && tooManySubscriptions(refused, toTag !== undefined);
  }

  /** @throws ProblemError `unauthenticated` for an account that has ended meanwhile. */
  async #keepUnlessEnded(subscription: Subscription, mark: Mark): Promise<Notifier> {
    const { appId, username, localTag } = subscription;
    try {
      if (username !== null) this.#ends.requireStill({ appId, username }, mark);
      return this.#keep(subscription);
    } catch (error) {
      await this.store.delete(localTag);
      throw error;
    }
  }

  /** Ends the subscriptions of accounts that have ended; all, where nobody can say which have. A phone that still may comes back. */
  #deactivate(endings?: Endings): void {
    for (const notifier of this.#kept.all()) {
      const { appId, username } = notifier.subscription;
      const isOver = !endings || (username !== null && endings.include({ appId, username }));
      if (isOver) this.#end(notifier, 'deactivated');
    }
  }

  #keep(subscription: Subscription): Notifier {
    const notifier: Notifier = new Notifier(subscription, {
      transport: this.#transport,
      contacts: this.#contacts,
      onNumbered: (one) => void this.store.save(one).catch((error: unknown) => this.report(error, 'saving a subscription')),
      onLost: () => this.#forget(notifier),
      onError: this.report,
    });
    this.#kept.add(notifier);
    this.#rest.wake();
    return notifier;
  }

  /** Says where the user is, from a reading that is made now; or that there is none any more, by which the subscription ends. */
  async #tellNow(localTag: string, ended?: 'timeout'): Promise<void> {
    const notifier = this.#kept.get(localTag);
    if (!notifier) return;
    const { appId, userAlias } = notifier.subscription;
    let presence: Presence | undefined;
    let isGone = false;
    try {
      presence = await this.#read(appId, userAlias);
      isGone = !presence && !ended;
    } catch (error) {
      this.report(error, 'reading presence for a phone');
      presence = this.#known.get(nameOf(appId, userAlias));
    }
    // It may have ended meanwhile: then its last word was said.
    if (this.#kept.get(localTag) !== notifier) return;
    if (isGone) return this.#end(notifier, 'noresource');
    // It may be read before it is heard: those who follow the user already hear of it now, since its event will be no news.
    if (presence && this.#note(presence, appId)) this.#tellAll(presence, appId, notifier);
    notifier.notify(presence, ended);
  }

  /** @returns the newest of what is read now and what the log has told; undefined for somebody who does not exist. */
  async #read(appId: AppId, userAlias: string): Promise<Presence | undefined> {
    const asking = { params: { appId }, body: { userAliases: [userAlias] } };
    const [read] = (await this.#presence.ask(internal.presenceOfSome, asking, { retryForMs: 1500 })).presences;
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

  #onChange(told: AnyEvent): void {
    // The subject is the user's name: what is told of anybody else is not even read.
    if (!this.#kept.isFollowed(told.subject)) return;
    const { appid, data: presence } = readEvent('presence.events', told);
    if (this.#note(presence, appid)) this.#tellAll(presence, appid);
  }

  /**
   * Ends the subscriptions to somebody who was deleted. The log may say so again when there is such a user anew, so it is read. Where that
   * cannot be, phones ask anew, and hear it then.
   */
  async #endIfGone(name: string): Promise<void> {
    const [first] = this.#kept.followersOf(name);
    if (!first) return;
    const { appId, userAlias } = first.subscription;
    let reason: 'noresource' | 'deactivated' = 'noresource';
    try {
      if (await this.#read(appId, userAlias)) return;
    } catch (error) {
      this.report(error, 'reading whether somebody was deleted');
      reason = 'deactivated';
    }
    for (const notifier of [...this.#kept.followersOf(name)]) this.#end(notifier, reason);
  }

  #tellAll(presence: Presence, appId: AppId, but?: Notifier): void {
    for (const notifier of this.#kept.followersOf(nameOf(appId, presence.userAlias))) if (notifier !== but) notifier.changed(presence);
  }

  #expire(): void {
    const now = Date.now();
    for (const notifier of this.#kept.all()) if (notifier.subscription.expiresAt <= now) this.#end(notifier, 'timeout');
  }

  /** Says the last word, and lets the subscription go; a phone that does not hear it will not be told again. */
  #end(notifier: Notifier, reason: 'timeout' | 'deactivated' | 'noresource'): void {
    const { appId, userAlias } = notifier.subscription;
    // Of who is no more nothing is known; yet a lamp that is lit has to be told to go dark.
    const last = reason === 'noresource' ? farewellOf({ userAlias, version: 0 }) : this.#known.get(nameOf(appId, userAlias));
    notifier.notify(last, reason);
    this.#forget(notifier);
  }

  #forget(notifier: Notifier): void {
    const { localTag, appId, userAlias } = notifier.subscription;
    if (this.#kept.remove(notifier)) this.#known.delete(nameOf(appId, userAlias));
    // Its last NOTIFY may have to be repeated, and is answered yet.
    setTimeout(() => {
      notifier.stop();
      this.#kept.forgetAnswers(notifier);
    }, 5000).unref();
    void this.store.delete(localTag).catch((error: unknown) => this.report(error, 'deleting a subscription'));
  }
}
