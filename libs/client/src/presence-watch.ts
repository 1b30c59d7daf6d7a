import type { Presence, Told, UserAlias } from '@communication-center/contracts';
import type { Connection } from './connection.js';

export type ToldPresence = Told<Presence>;

/** Told where a user is: at once, and whenever it changes. */
export type PresenceListener = (presence: ToldPresence) => void;

/** What this device wants to know of others' presence, over every reconnect; each listener hears a version once, and none goes back. */
export class PresenceWatch {
  readonly #listeners = new Map<UserAlias, Map<PresenceListener, number>>();
  readonly #known = new Map<UserAlias, ToldPresence>();

  constructor(private readonly connection: Connection) {
    connection.on('presence', (presence) => this.#take(presence));
    connection.on('unseen', (userAliases) => this.#forget(userAliases));
    connection.on('connected', () => {
      const watched = [...this.#listeners.keys()];
      // A page at a time: a frame names no more than the protocol allows.
      for (let from = 0; from < watched.length; from += 100) void this.#ask(watched.slice(from, from + 100)).catch(() => undefined);
    });
  }

  /**
   * @returns a function that stops telling this listener.
   * @throws CenterError `too_many_watched`.
   */
  async watch(userAliases: readonly UserAlias[], listener: PresenceListener): Promise<() => void> {
    for (const userAlias of userAliases) {
      const listeners = this.#listeners.get(userAlias) ?? new Map();
      this.#listeners.set(userAlias, listeners.set(listener, -1));
      const known = this.#known.get(userAlias);
      if (known) this.#tell(known);
    }
    try {
      await this.#ask(userAliases);
    } catch (error) {
      this.#unwatch(userAliases, listener);
      throw error;
    }
    return () => this.#unwatch(userAliases, listener);
  }

  async #ask(userAliases: readonly UserAlias[]): Promise<void> {
    const answer = await this.connection.request({ type: 'watch', userAliases: [...userAliases] });
    if (answer.type !== 'presences') return;
    for (const presence of answer.presences) this.#take(presence);
    // Whom the Center knows no more, or does not show any more, is gone for who saw them before.
    this.#forget(answer.unknown);
  }

  #take(presence: ToldPresence): void {
    const known = this.#known.get(presence.userAlias);
    if (!this.#listeners.has(presence.userAlias) || (known && known.version >= presence.version)) return;
    this.#known.set(presence.userAlias, presence);
    this.#tell(presence);
  }

  /** Nothing is to be seen of these for now: listeners hear that they are gone, and what comes later is news whatever its version. */
  #forget(userAliases: readonly UserAlias[]): void {
    for (const userAlias of userAliases) {
      if (!this.#known.delete(userAlias)) continue;
      const listeners = this.#listeners.get(userAlias) ?? new Map<PresenceListener, number>();
      for (const listener of listeners.keys()) {
        listeners.set(listener, -1);
        listener({ userAlias, status: 'offline', doNotDisturb: false, version: 0, calls: [], devices: [], lastSeenAt: null });
      }
    }
  }

  #tell(presence: ToldPresence): void {
    const listeners = this.#listeners.get(presence.userAlias) ?? new Map<PresenceListener, number>();
    for (const [listener, told] of listeners) {
      if (told >= presence.version) continue;
      listeners.set(listener, presence.version);
      listener(presence);
    }
  }

  #unwatch(userAliases: readonly UserAlias[], listener: PresenceListener): void {
    const left = userAliases.filter((userAlias) => {
      const listeners = this.#listeners.get(userAlias);
      listeners?.delete(listener);
      return listeners?.size === 0;
    });
    for (const userAlias of left) {
      this.#listeners.delete(userAlias);
      this.#known.delete(userAlias);
    }
    if (left.length > 0) void this.connection.request({ type: 'unwatch', userAliases: left }).catch(() => undefined);
  }
}
