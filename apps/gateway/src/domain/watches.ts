import { type AppId, maySee, type Presence, type PresenceVisibility, toldToUsers, type UserAlias } from '@communication-center/contracts';

/** Who watches. */
export interface Watcher {
  appId: AppId;
  userAlias: UserAlias;
}

interface OfSocket extends Watcher {
  /** The watched, and whether the socket was told of each. */
  watched: Map<UserAlias, boolean>;
}

/** What is known of a user who watches: by the newest version of that user's presence. */
interface Known {
  version: number;
  groups: readonly string[];
  sockets: number;
}

interface Rule {
  rule: PresenceVisibility;
  sequence: number;
}

/** Who is told of a change: where somebody is, or, where a socket saw whom it is not to see any more, that somebody is gone. */
export interface ToTell<Socket> {
  seeing: Socket[];
  missing: Socket[];
}

/** Rules that are kept at most, of apps in which nobody watches. */
const mostRules = 10_000;

const nameOf = (appId: AppId, userAlias: UserAlias) => `${appId}/${userAlias}`;

/**
 * Who watches whom, and who was told of whom: only they hear that somebody is gone who is not to be seen any more. What decides that
 * (the groups of those who watch, the rules of their apps) is kept beside, each by its newest version. Pure but for that memory.
 */
export class Watches<Socket> {
  readonly #bySocket = new Map<Socket, OfSocket>();
  readonly #byUser = new Map<string, Set<Socket>>();
  readonly #watchers = new Map<string, Known>();
  readonly #rules = new Map<AppId, Rule & { sockets: number }>();

  /** Whether nobody is watched. */
  get isEmpty(): boolean {
    return this.#byUser.size === 0;
  }

  /** Whether a change of somebody concerns anybody: it is watched, or watches. */
  isConcernedBy(appId: AppId, userAlias: UserAlias): boolean {
    const name = nameOf(appId, userAlias);
    return this.#byUser.has(name) || this.#watchers.has(name);
  }

  /** @returns how many a socket would watch with some more. */
  countWith(socket: Socket, userAliases: readonly UserAlias[]): number {
    return new Set([...(this.#bySocket.get(socket)?.watched.keys() ?? []), ...userAliases]).size;
  }

  /** @returns those that are new. */
  add(socket: Socket, watcher: Watcher, userAliases: readonly UserAlias[]): UserAlias[] {
    const { watched, appId } = this.#bySocket.get(socket) ?? this.#take(socket, watcher);
    const added = [...new Set(userAliases)].filter((userAlias) => !watched.has(userAlias));
    for (const userAlias of added) {
      watched.set(userAlias, false);
      const name = nameOf(appId, userAlias);
      this.#byUser.set(name, (this.#byUser.get(name) ?? new Set()).add(socket));
    }
    return added;
  }

  drop(socket: Socket, userAliases: readonly UserAlias[]): void {
    const ofSocket = this.#bySocket.get(socket);
    if (!ofSocket) return;
    for (const userAlias of userAliases) {
      if (!ofSocket.watched.delete(userAlias)) continue;
      const name = nameOf(ofSocket.appId, userAlias);
      const sockets = this.#byUser.get(name);
      sockets?.delete(socket);
      if (sockets?.size === 0) this.#byUser.delete(name);
    }
    if (ofSocket.watched.size === 0) this.#letGo(socket, ofSocket);
  }

  forget(socket: Socket): void {
    this.drop(socket, [...(this.#bySocket.get(socket)?.watched.keys() ?? [])]);
  }

  /** @returns those whom sockets of an app, or of one of its users, watch. */
  watchedIn(appId: AppId, watcher?: UserAlias): UserAlias[] {
    const sockets = [...this.#bySocket.values()].filter((one) => one.appId === appId && (!watcher || one.userAlias === watcher));
    return [...new Set(sockets.flatMap(({ watched }) => [...watched.keys()]))];
  }

  /** Notes by which rule users of an app see each other, also where nobody watches yet: who begins to may be told an older one. */
  noteRule(appId: AppId, { rule, sequence }: Rule): void {
    const known = this.#rules.get(appId) ?? { sequence: -1, sockets: 0 };
    if (known.sequence > sequence) return;
    this.#rules.set(appId, { rule, sequence, sockets: known.sockets });
    if (this.#rules.size <= mostRules) return;
    for (const [oldest, { sockets }] of this.#rules) if (sockets === 0) return void this.#rules.delete(oldest);
  }

  /** Notes in which groups somebody is who watches. @returns whether others are to be seen since. */
  noteGroups(appId: AppId, { userAlias, version, groups = [] }: Presence): boolean {
    const known = this.#watchers.get(nameOf(appId, userAlias));
    if (!known || known.version > version) return false;
    const isNews = known.groups.join('\n') !== groups.join('\n');
    Object.assign(known, { version, groups });
    return isNews;
  }

  /** @returns those of some people whom a socket sees, as it is told them. */
  seenBy(socket: Socket, presences: readonly Presence[]): Presence[] {
    const ofSocket = this.#bySocket.get(socket);
    if (!ofSocket) return [];
    return presences.flatMap((presence) => {
      const isSeen = ofSocket.watched.has(presence.userAlias) && this.#sees(ofSocket, presence);
      if (isSeen) ofSocket.watched.set(presence.userAlias, true);
      return isSeen ? [toldToUsers(presence)] : [];
    });
  }

  toTell(appId: AppId, presence: Presence): ToTell<Socket> {
    const sockets = [...(this.#byUser.get(nameOf(appId, presence.userAlias)) ?? [])];
    const seeing = sockets.filter((socket) => this.seenBy(socket, [presence]).length > 0);
    const others = new Set(sockets).difference(new Set(seeing));
    return { seeing, missing: [...others].filter((socket) => this.#hide(socket, presence.userAlias)) };
  }

  /**
   * Looks again whom sockets see, when something else decides it.
   * @param presences of all whom they watch: who is not among them is seen by nobody.
   * @returns for each socket that sees others since, of whom it is to forget what it was told, and whom it sees now.
   */
  seenAnew(appId: AppId, presences: readonly Presence[], watcher?: UserAlias): { socket: Socket; unseen: UserAlias[]; seen: Presence[] }[] {
    const byAlias = new Map(presences.map((presence) => [presence.userAlias, presence]));
    return [...this.#bySocket].flatMap(([socket, one]) => {
      if (one.appId !== appId || (watcher && one.userAlias !== watcher)) return [];
      const changed = [...one.watched].filter(([userAlias, wasSeen]) => {
        const presence = byAlias.get(userAlias);
        return wasSeen !== (presence !== undefined && this.#sees(one, presence));
      });
      if (changed.length === 0) return [];
      const unseen = changed.map(([userAlias]) => userAlias);
      for (const [userAlias, wasSeen] of changed) one.watched.set(userAlias, !wasSeen);
      const seen = unseen.flatMap((userAlias) => (one.watched.get(userAlias) ? (byAlias.get(userAlias) ?? []) : []));
      return [{ socket, unseen, seen: seen.map(toldToUsers) }];
    });
  }

  #sees({ appId, userAlias }: OfSocket, presence: Presence): boolean {
    const { rule } = this.#rules.get(appId) ?? { rule: 'keys_only' as const };
    const { groups } = this.#watchers.get(nameOf(appId, userAlias)) ?? { groups: [] };
    return maySee(rule, { userAlias, groups }, presence);
  }

  /** @returns whether the socket saw somebody until now. */
  #hide(socket: Socket, userAlias: UserAlias): boolean {
    const watched = this.#bySocket.get(socket)?.watched;
    if (!watched?.get(userAlias)) return false;
    watched.set(userAlias, false);
    return true;
  }

  #take(socket: Socket, { appId, userAlias }: Watcher): OfSocket {
    const taken = { appId, userAlias, watched: new Map<UserAlias, boolean>() };
    this.#bySocket.set(socket, taken);
    const name = nameOf(appId, userAlias);
    const known = this.#watchers.get(name) ?? { version: -1, groups: [], sockets: 0 };
    this.#watchers.set(name, Object.assign(known, { sockets: known.sockets + 1 }));
    // Before the rule is known nobody sees anybody.
    const rule = this.#rules.get(appId) ?? { rule: 'keys_only' as const, sequence: -1, sockets: 0 };
    this.#rules.set(appId, Object.assign(rule, { sockets: rule.sockets + 1 }));
    return taken;
  }

  #letGo(socket: Socket, { appId, userAlias }: OfSocket): void {
    this.#bySocket.delete(socket);
    const name = nameOf(appId, userAlias);
    const known = this.#watchers.get(name);
    if (known && --known.sockets === 0) this.#watchers.delete(name);
    const rule = this.#rules.get(appId);
    if (rule) rule.sockets -= 1;
  }
}
