import { callLimits, type StreamKind } from '@communication-center/contracts';
import type { MediaGrant } from '@communication-center/contracts/media-grant';

/** What a device says that it sends of pictures. */
export type Wanted = Readonly<Record<StreamKind, boolean>>;

/** When pictures of a device were let in, in milliseconds since 1970 by the clock of whoever let them in. */
export type LetIn = Partial<Record<StreamKind, number>>;

/** Pictures of another device that are sent. */
export interface Claim {
  kind: StreamKind;
  feed: string;
  /** The same for whatever a device sends, over whichever connections. */
  device: string;
  /** 0 where nobody said: by a door of an earlier release. */
  letInAt: number;
}

/**
 * Whether there is room in a call for the pictures of one device, by what Janus has told of the others. Of two that come at the same moment,
 * at whichever replicas, both may be let in, until each has heard of the other: then who was let in last has no room any more, which every
 * replica finds alike, and nobody was asked. What was let in before stays.
 */
export class StreamRoom {
  readonly #most: Readonly<Record<StreamKind, number>>;
  readonly #letIn = new Map<StreamKind, number>();
  readonly #refused = new Set<StreamKind>();
  #wanted: Wanted | undefined;

  constructor({ streams }: Pick<MediaGrant, 'streams'>) {
    this.#most = { camera: streams?.cameras ?? callLimits.cameras.max, screen: streams?.screens ?? callLimits.screens.default };
  }

  /** What may not come through now, whatever the device says of it. */
  get withheld(): ReadonlySet<StreamKind> {
    return this.#refused;
  }

  get letIn(): LetIn {
    return Object.fromEntries(this.#letIn);
  }

  /** @returns what is refused now that was not before, of what is wanted. */
  want(wanted: Wanted, others: readonly Claim[], now: number): StreamKind[] {
    const told = (['camera', 'screen'] as const).filter((kind) => {
      if (!wanted[kind]) this.#letIn.delete(kind);
      const isFull = !this.#letIn.has(kind) && devicesOf(others, kind).size >= this.#most[kind];
      const wasRefused = this.#refused.has(kind) && this.#wanted?.[kind];
      if (isFull) this.#refused.add(kind);
      else this.#refused.delete(kind);
      if (wanted[kind] && !isFull && !this.#letIn.has(kind)) this.#letIn.set(kind, now);
      return wanted[kind] && isFull && !wasRefused;
    });
    this.#wanted = wanted;
    return told;
  }

  /**
   * Others have been told of since: who was let in before this device may have filled the call.
   * @param feed how this device is called at Janus: who decides between two of the same millisecond.
   * @returns what has no room any more.
   */
  giveWay(feed: string, others: readonly Claim[]): StreamKind[] {
    const lost = [...this.#letIn].flatMap(([kind, at]) => {
      const isBefore = (one: Claim) => one.letInAt < at || (one.letInAt === at && one.feed < feed);
      return devicesOf(others.filter(isBefore), kind).size >= this.#most[kind] ? [kind] : [];
    });
    for (const kind of lost) {
      this.#letIn.delete(kind);
      this.#refused.add(kind);
    }
    return lost;
  }
}

/** One that is moving, or has joined anew, is there twice for a moment. */
function devicesOf(claims: readonly Claim[], kind: StreamKind): ReadonlySet<string> {
  return new Set(claims.filter((claim) => claim.kind === kind).map(({ device }) => device));
}
