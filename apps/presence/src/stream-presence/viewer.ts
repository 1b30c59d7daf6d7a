import { isDeepStrictEqual } from 'node:util';
import { farewellOf, type Presence, toldToUsers, type UserAlias } from '@communication-center/contracts';
import { type Sight, sees } from '../visibility/sights.js';

/** What becomes of a change for a viewer: it is told so, or not at all, or the viewer has to begin anew. */
type Filtered = Presence | 'nothing' | 'anew';

/**
 * A user who reads a stream: what he may see, and whom he was told of. Who is not to be seen any more is told to be gone, as if
 * deleted; of whom he never heard he hears nothing.
 */
export class StreamViewer {
  #sight: Sight | undefined;
  /** Undefined where that was told to an earlier stream, from whose end this one goes on. */
  #told: Set<UserAlias> | undefined;

  constructor(readonly userAlias: UserAlias) {}

  /** Everybody who is seen is told from now on. */
  begin(sight: Sight): void {
    this.#sight = sight;
    this.#told = new Set();
  }

  /** An earlier stream of the viewer is gone on from. */
  goOn(sight: Sight): void {
    this.#sight = sight;
    this.#told = undefined;
  }

  /** @returns whether what the viewer sees is decided by something else now: then the stream begins anew. */
  isOutdatedBy(sight: Sight): boolean {
    return this.#sight !== undefined && !isDeepStrictEqual(sight, this.#sight);
  }

  /** @returns the presence as the viewer is told it; undefined for whom he does not see. */
  ofMany(presence: Presence): Presence | undefined {
    if (!this.#sight || !sees(this.#sight, presence)) return undefined;
    this.#told?.add(presence.userAlias);
    return toldToUsers(presence);
  }

  change(presence: Presence): Filtered {
    const seen = this.ofMany(presence);
    if (seen) return seen;
    if (!this.#told) return 'anew';
    return this.#told.delete(presence.userAlias) ? farewellOf(presence) : 'nothing';
  }
}
