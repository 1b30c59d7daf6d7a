import type { Forbiddable, UserAlias } from '@communication-center/contracts';
import type { MediaGrant } from '@communication-center/contracts/media-grant';

/** What a moderator forbade one person to send, or allowed again. */
export interface Moderated {
  userAlias: UserAlias;
  media: readonly Forbiddable[];
  isForbidden: boolean;
}

/**
 * What one person may not send, by the last event of the call about each of it. Whatever is taken twice, or late, or was known
 * already changes nothing.
 */
export class Bans {
  readonly #last = new Map<Forbiddable, { sequence: number; isForbidden: boolean }>();

  /** @param after everything up to this event of the call is in `forbidden`. */
  constructor(
    private readonly after = 0,
    forbidden: readonly Forbiddable[] = [],
  ) {
    for (const media of forbidden) this.#last.set(media, { sequence: after, isForbidden: true });
  }

  /** @returns what may not be sent by a grant, as it was when that was given. */
  static in({ sequence, forbidden }: Pick<MediaGrant, 'sequence' | 'forbidden'>): Bans {
    return new Bans(sequence, forbidden);
  }

  get forbidden(): Set<Forbiddable> {
    return new Set([...this.#last].flatMap(([media, { isForbidden }]) => (isForbidden ? [media] : [])));
  }

  take(sequence: number, { media, isForbidden }: Pick<Moderated, 'media' | 'isForbidden'>): void {
    for (const one of media) {
      if (sequence > (this.#last.get(one)?.sequence ?? this.after)) this.#last.set(one, { sequence, isForbidden });
    }
  }

  /** Takes all that others know, where it is newer. */
  takeAll(others: Bans): void {
    for (const [media, { sequence, isForbidden }] of others.#last) this.take(sequence, { media: [media], isForbidden });
  }
}
