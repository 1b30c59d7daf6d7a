import type { MediaClientFrame, mediaDoorKnows } from '@communication-center/contracts';
import type { LinkSends, MediaPublisher } from './media-publisher.js';
import { pingInCallMs } from './silence.js';

interface LinkTellsOptions {
  sends: LinkSends;
  publisher: MediaPublisher;
  /** Whether the door takes what the first release did not have. */
  knows: (what: (typeof mediaDoorKnows)[number]) => boolean;
  send: (frame: MediaClientFrame) => void;
}

/** As many streams as one frame may name. */
const mostNamed = 64;

/** What a link tells the door of its device, as far as the door knows what to do with it: what is sent, what is looked at, and how large. */
export class LinkTells {
  readonly #options: LinkTellsOptions;

  constructor(options: LinkTellsOptions) {
    this.#options = options;
  }

  /** Tells the others what this device sends. */
  sending(): void {
    const { sends, publisher, knows, send } = this.#options;
    if (!knows('sending')) return;
    const { screen, ...sending } = sends.sending();
    const inSizes = publisher.layers.length > 1 && knows('layers');
    send({ type: 'sending', ...sending, ...(screen && knows('screen') && { screen }), ...(inSizes && { layers: [...publisher.layers] }) });
  }

  /** In which sizes a camera is sent is for the platform to say, by what the camera and the network give. */
  async lookAtLayers(): Promise<void> {
    if (this.#options.knows('layers') && (await this.#options.publisher.lookAtLayers())) this.sending();
  }

  /** Tells whose pictures are not wanted; all others are. */
  unwatched(streamIds: readonly string[]): void {
    if (this.#options.knows('unwatched')) this.#options.send({ type: 'unwatched', streamIds: streamIds.slice(0, mostNamed) });
  }

  /** Tells how high pictures are shown, in pixels. */
  sizes(heights: ReadonlyMap<string, number>): void {
    const sizes = [...heights].map(([streamId, height]) => ({ streamId, height }));
    if (this.#options.knows('layers')) this.#options.send({ type: 'sizes', sizes: sizes.slice(0, mostNamed) });
  }

  ping(): void {
    const { knows, send } = this.#options;
    send(knows('ping.nextWithinMs') ? { type: 'ping', nextWithinMs: pingInCallMs } : { type: 'ping' });
  }
}
