import { type AppId, userAliasSchema } from '@communication-center/contracts';
import { EventLog, EventLogServer, Rest, Tail } from '@communication-center/event-log';
import {
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
import { type Peer, parseMessage, responseTo, type SipRequest, uriIn } from '../messages/sip-message.js';
import type { SipSettings } from '../settings.js';
import { Answers } from '../transport/answers.js';
import { SipTransport } from '../transport/sip-transport.js';
import { tlsOf } from '../transport/tls-files.js';
import { type Contacts, contactOf } from './contacts.js';
import { Followers } from './followers.js';
import type { Notifier } from './notifier.js';
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
  readonly #rest = Rest.unless(() => this.#followers.size > 0);
  readonly #tail: Tail;
  readonly #contacts: Contacts;
  readonly #ends: FollowEnds;
  readonly #followers: Followers;
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
    this.#ends = new FollowEnds({
      directory: new ServiceClient(identity, 'directory', new Replicas(settings.DIRECTORY_URL)),
      rememberSeconds,
      isNobodyIn: () => this.#followers.size === 0,
      onEnded: (endings) => this.#followers.deactivate(endings),
      onLost: () => this.#followers.deactivate(),
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
    this.#followers = new Followers({
      transport: this.#transport,
      contacts: this.#contacts,
      store,
      presence: new ServiceClient(identity, 'presence', new Replicas(settings.PRESENCE_URL)),
      onKept: () => this.#rest.wake(),
      onError: report,
    });
    this.#tail = new Tail({
      log,
      topic: 'presence.events',
      onEvent: (event) => this.#followers.onChange(event),
      onErased: (name) => void this.#followers.endIfGone(name),
      rest: this.#rest,
      onError: report,
    });
    server.include('sip.subscriptions', this.#tail);
  }

  /** Goes on with what an earlier process at this address left, before the port opens. */
  async onApplicationBootstrap(): Promise<void> {
    await this.#tail.start();
    const left = await this.store.load();
    for (const subscription of left) this.#followers.keep(subscription);
    this.#ends.start();
    await this.#transport.open();
    this.#expiring = setInterval(() => this.#followers.expire(), 1000);
    for (const { localTag } of left)
      void this.#followers.tellNow(localTag).catch((error: unknown) => this.report(error, 'telling a phone again'));
  }

  async beforeApplicationShutdown(): Promise<void> {
    clearInterval(this.#expiring);
    this.#ends.stop();
    this.#followers.stop();
    await this.#tail.stop();
    await this.#transport.close();
  }

  #onMessage(bytes: Buffer, peer: Peer): void {
    const message = parseMessage(bytes);
    if (!message) return;
    if ('response' in message) return this.#followers.take(message.response);
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
      const known = this.#followers.get(request.toTag);
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
      return expires === 0 ? this.#followers.end(known, 'timeout') : this.#followers.tellNow(request.toTag);
    }
    const contact = uriIn(request.header('contact'));
    const remoteUri = uriIn(request.header('from'));
    const userAlias = userAliasSchema.safeParse(request.user);
    if (!isAddress(contact) || !isAddress(remoteUri)) return answer(400);
    if (!userAlias.success || !(await this.#followers.read(appId, userAlias.data))) return answer(404);
    if (this.#followers.size >= this.settings.MAX_SUBSCRIPTIONS) return answer(503, retryLater);
    if (this.#followers.countOf(appId) >= this.settings.SUBSCRIPTIONS_PER_APP) return answer(480, retryLater);
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
    await this.#followers.tellNow(subscription.localTag, expires === 0 ? 'timeout' : undefined);
    if (expires === 0) this.#followers.forget(notifier);
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
      return this.#followers.keep(subscription);
    } catch (error) {
      await this.store.delete(localTag);
      throw error;
    }
  }
}
