import type { Subject } from '@communication-center/contracts';
import { type Endings, FollowEnds, type LetInBy, type Mark, Report, type ReportError } from '@communication-center/service';
import { type BeforeApplicationShutdown, Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { Services } from './services.js';

/** The longest a timer of Node waits. */
const longestTimerMs = 2_147_483_647;

interface Lasting {
  by: LetInBy;
  end: () => void;
}

/** Who keeps those that were let in, and can say of each by what. */
export interface Door {
  endedFor(endings: Endings): void;
  /** Nobody can say whose credentials have ended. */
  endedForAll(): void;
}

/** Ends what was let in by a credential as soon as that has ended: client sockets, streams, and sockets of services. */
@Injectable()
export class CredentialEnds implements OnModuleInit, BeforeApplicationShutdown {
  readonly #following: FollowEnds;
  readonly #lasting = new Set<Lasting>();
  readonly #doors: Door[] = [];

  constructor(services: Services, @Inject(Report) report: ReportError) {
    this.#following = new FollowEnds({
      directory: services.directory,
      onEnded: (endings) => this.#onEnded(endings),
      onLost: () => this.#onLost(),
      onError: report,
    });
  }

  onModuleInit(): void {
    this.#following.start();
  }

  beforeApplicationShutdown(): void {
    this.#following.stop();
  }

  include(door: Door): void {
    this.#doors.push(door);
  }

  /** To be taken before a credential is looked at. @throws ProblemError `service_unavailable`. */
  async mark(): Promise<Mark> {
    return this.#following.mark();
  }

  /** @throws ProblemError as {@link FollowEnds.requireStill}. */
  requireStill(by: LetInBy, mark: Mark): void {
    this.#following.requireStill(by, mark);
  }

  /**
   * Calls `end` once the credential has ended or expired, unless it is let go before.
   * @returns lets it go.
   * @throws ProblemError as {@link FollowEnds.requireStill}.
   */
  hold(subject: Subject, mark: Mark, end: () => void): () => void {
    const by = letInBy(subject);
    if (!by) return () => undefined;
    this.#following.requireStill(by, mark);
    const lasting = { by, end };
    this.#lasting.add(lasting);
    const expiresAt = 'token' in subject && subject.token ? subject.token.expiresAt * 1000 : undefined;
    const expiry = expiresAt === undefined ? undefined : setTimeout(end, Math.min(longestTimerMs, Math.max(0, expiresAt - Date.now())));
    return () => {
      clearTimeout(expiry);
      this.#lasting.delete(lasting);
    };
  }

  #onEnded(endings: Endings): void {
    for (const { by, end } of [...this.#lasting]) if (endings.include(by)) end();
    for (const door of this.#doors) door.endedFor(endings);
  }

  #onLost(): void {
    for (const { end } of [...this.#lasting]) end();
    for (const door of this.#doors) door.endedForAll();
  }
}

/** @returns by what somebody was let in; undefined for whom nothing that ends let in, as the operator. */
function letInBy(subject: Subject): LetInBy | undefined {
  if (subject.kind === 'key') return { appId: subject.appId, keyId: subject.keyId };
  if (subject.kind === 'user' || subject.kind === 'ring')
    return { appId: subject.appId, userAlias: subject.userAlias, token: subject.token };
  return undefined;
}
