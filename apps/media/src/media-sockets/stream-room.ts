import { callLimits, type Stream, type StreamKind } from '@communication-center/contracts';
import type { MediaGrant } from '@communication-center/contracts/media-grant';

/** What a device says that it sends of pictures. */
export type Wanted = Readonly<Record<StreamKind, boolean>>;

/**
 * Whether there is room in a call for the pictures of one device, by what Janus has told of the others: of two that come at the same moment
 * both may be let in. What was let in stays, however many there are.
 */
export class StreamRoom {
  readonly #most: Readonly<Record<StreamKind, number>>;
  readonly #let = new Set<StreamKind>();
  readonly #refused = new Set<StreamKind>();

  constructor({ streams }: Pick<MediaGrant, 'streams'>) {
    this.#most = { camera: streams?.cameras ?? callLimits.cameras.max, screen: streams?.screens ?? callLimits.screens.default };
  }

  /** What may not come through now, whatever the device says of it. */
  get withheld(): ReadonlySet<StreamKind> {
    return this.#refused;
  }

  /** @returns what is refused now that was not before, of what is wanted. */
  want(wanted: Wanted, others: readonly Pick<Stream, 'kind' | 'sending'>[]): StreamKind[] {
    const told = (['camera', 'screen'] as const).filter((kind) => {
      if (!wanted[kind]) this.#let.delete(kind);
      const isFull = !this.#let.has(kind) && sentOf(kind, others) >= this.#most[kind];
      const wasRefused = this.#refused.has(kind) && this.#wanted?.[kind];
      if (isFull) this.#refused.add(kind);
      else this.#refused.delete(kind);
      if (wanted[kind] && !isFull) this.#let.add(kind);
      return wanted[kind] && isFull && !wasRefused;
    });
    this.#wanted = wanted;
    return told;
  }

  #wanted: Wanted | undefined;
}

/** Who does not say what it sends is taken to send. */
function sentOf(kind: StreamKind, others: readonly Pick<Stream, 'kind' | 'sending'>[]): number {
  return others.filter((stream) => stream.kind === kind && (stream.sending?.video ?? 'on') === 'on').length;
}
