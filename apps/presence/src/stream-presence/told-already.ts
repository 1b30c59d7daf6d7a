import type { AppId, Presence, UserAlias } from '@communication-center/contracts';
import type { Sql } from '@communication-center/event-log';
import type { StreamPlace } from '../domain/stream-place.js';
import { readChanges } from './read-changes.js';

/**
 * What a fresh reader was told of those who changed while he was told where everybody is: a change that he has in this way
 * is not told again. Only those are remembered.
 */
export class ToldAlready {
  readonly #changed = new Set<UserAlias>();
  readonly #versions = new Map<UserAlias, number>();
  #through: StreamPlace;

  /** @param from the place that was read before anybody was told. */
  constructor(
    private readonly database: Sql,
    private readonly appId: AppId,
    from: StreamPlace,
  ) {
    this.#through = from;
  }

  /** Notes people who were read a moment ago and are about to be told. */
  async note(people: readonly Presence[]): Promise<void> {
    for (let hasMore = true; hasMore; ) {
      const { changes, isMore } = await readChanges(this.database, this.appId, this.#through);
      const through = [...this.#through];
      for (const { bucket, position, userAlias } of changes) {
        through[bucket] = position;
        this.#changed.add(userAlias);
      }
      this.#through = through;
      hasMore = isMore;
    }
    for (const { userAlias, version } of people) if (this.#changed.has(userAlias)) this.#versions.set(userAlias, version);
  }

  /** Whether a change is one that the reader has. @param said the presence as it was published, in JSON. */
  has(userAlias: UserAlias, said: string): boolean {
    const version = this.#versions.get(userAlias);
    return version !== undefined && (JSON.parse(said) as Presence).version <= version;
  }

  /** Whether all changes that came meanwhile lie before a place: then nothing need be remembered. */
  isBehind(place: StreamPlace): boolean {
    return place.every((position, bucket) => position >= (this.#through[bucket] ?? 0));
  }
}
