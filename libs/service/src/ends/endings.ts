import type { AppId, PresenceVisibility, SessionId, UserAlias } from '@communication-center/contracts';
import type { Ended } from '@communication-center/contracts/internal';

/** By what somebody was let in: what ends of it ends that. */
export interface LetInBy {
  appId: AppId;
  userAlias?: UserAlias;
  /** Of the secret that signed the token, and the token's `iat`. */
  token?: { kid: string; issuedAt: number } | undefined;
  keyId?: string;
  username?: string;
  /** Of a socket that is open: one that is being let in is none of those that were to end. */
  sessionId?: SessionId;
}

/** Some of what has ended, so that it can be asked of each who was let in, whether that is among it. */
export class Endings {
  readonly #apps = new Set<AppId>();
  /** Who sees whom in apps that chose anew, by the newest choice. */
  readonly visibilities: ReadonlyMap<AppId, { rule: PresenceVisibility; sequence: number }>;
  readonly #names = new Set<string>();
  readonly #upTo = new Map<string, number>();

  constructor(ended: readonly Ended[]) {
    const chosen = ended.filter((one) => one.what === 'visibility');
    this.visibilities = new Map(chosen.map(({ appId, rule, sequence }) => [appId, { rule, sequence }]));
    for (const one of ended) {
      if (one.what === 'visibility') continue;
      if (one.what === 'app') this.#apps.add(one.appId);
      else if (one.what === 'app_resumed') this.resume(one.appId);
      else if (one.what === 'user') {
        const name = nameOf('user', one.appId, one.userAlias);
        this.#upTo.set(name, Math.max(one.upTo, this.#upTo.get(name) ?? 0));
      } else this.#names.add(nameOf(one.what, one.appId, idOf(one)));
    }
  }

  /** Whether a whole app has ended, and so all that it let in. */
  includesApp(appId: AppId): boolean {
    return this.#apps.has(appId);
  }

  /** What an app let in is good again: that it had ended is over. */
  resume(appId: AppId): void {
    this.#apps.delete(appId);
  }

  /** Whether that by which somebody was let in has ended. */
  include(letInBy: LetInBy): boolean {
    const { appId, userAlias, token, keyId, username } = letInBy;
    if (this.#apps.has(appId)) return true;
    const upTo = userAlias === undefined ? undefined : this.#upTo.get(nameOf('user', appId, userAlias));
    // A token of an older release, that does not say when it was issued, was issued before.
    if (upTo !== undefined && (token?.issuedAt ?? 0) <= upTo) return true;
    return (
      this.#endsSession(letInBy) ||
      (token !== undefined && this.#names.has(nameOf('secret', appId, token.kid))) ||
      (keyId !== undefined && this.#names.has(nameOf('key', appId, keyId))) ||
      (username !== undefined && this.#names.has(nameOf('sip_account', appId, username)))
    );
  }

  #endsSession({ appId, sessionId, userAlias, token }: LetInBy): boolean {
    if (sessionId === undefined) return false;
    return (
      this.#names.has(nameOf('session', appId, sessionId)) ||
      (userAlias !== undefined && this.#names.has(nameOf('sessions_of_user', appId, userAlias))) ||
      (token !== undefined && this.#names.has(nameOf('sessions_of_secret', appId, token.kid)))
    );
  }
}

function idOf(one: Exclude<Ended, { what: 'user' | 'app' | 'app_resumed' | 'visibility' }>): string {
  switch (one.what) {
    case 'session':
      return one.sessionId;
    case 'sessions_of_user':
      return one.userAlias;
    case 'secret':
    case 'sessions_of_secret':
      return one.kid;
    case 'key':
      return one.keyId;
    case 'sip_account':
      return one.username;
    default:
      return one satisfies never;
  }
}

function nameOf(what: Ended['what'], appId: AppId, id: string): string {
  return `${what} ${appId} ${id}`;
}
