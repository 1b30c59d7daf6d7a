import { mediaTestLimits } from '@communication-center/contracts/media-test';
import { ProblemError, Settings } from '@communication-center/service';
import { type BeforeApplicationShutdown, Inject, Injectable } from '@nestjs/common';
import Janode from 'janode';
import EchoTestPlugin, { type EchoTestHandle } from 'janode/plugins/echotest';
import { JanusNodes } from '../janus/janus-nodes.js';
import type { MediaSettings } from '../settings.js';

/** What is sent to Janus, and comes back from it. */
export interface Echo {
  sdp: string;
  endsAt: Date;
  node: string;
}

/** Has Janus send back what a device sends, for a while, so that it knows how a call would go. Tests are few at a time: calls come first. */
@Injectable()
export class Echoes implements BeforeApplicationShutdown {
  readonly #running = new Map<EchoTestHandle, NodeJS.Timeout>();
  /** Those that wait for Janus. */
  #beginning = 0;

  constructor(
    private readonly nodes: JanusNodes,
    @Inject(Settings) private readonly settings: Pick<MediaSettings, 'MEDIA_TESTS'>,
  ) {}

  async beforeApplicationShutdown(): Promise<void> {
    await Promise.all([...this.#running.keys()].map((handle) => this.#end(handle)));
  }

  /**
   * @param sdp an offer with all of its candidates.
   * @throws ProblemError `service_unavailable` where as many run as may, `media_unavailable` where no Janus answers, `invalid_request` for what
   *   Janus takes for no offer.
   */
  async begin(sdp: string): Promise<Echo> {
    if (this.#running.size + this.#beginning >= this.settings.MEDIA_TESTS)
      throw new ProblemError('service_unavailable', 'As many tests run as may at a time: try again in a while');
    this.#beginning += 1;
    try {
      const node = await this.nodes.choose();
      const handle = await node.attachTo(EchoTestPlugin).catch((cause: unknown) => {
        throw cause instanceof ProblemError ? cause : new ProblemError('media_unavailable', 'Janus has no plugin echotest', { cause });
      });
      const ms = mediaTestLimits.seconds * 1000;
      this.#running.set(handle, setTimeout(() => void this.#end(handle), ms).unref());
      for (const event of [Janode.EVENT.HANDLE_HANGUP, Janode.EVENT.HANDLE_DETACHED]) handle.once(event, () => void this.#end(handle));
      try {
        const echo = handle.start({ audio: true, video: true, bitrate: mediaTestLimits.kbps * 1000, jsep: { type: 'offer', sdp } });
        const { jsep } = await node.ask(echo);
        if (!jsep) throw new Error('Janus gave no answer to the offer');
        return { sdp: jsep.sdp, endsAt: new Date(Date.now() + ms), node: node.name };
      } catch (error) {
        await this.#end(handle);
        throw error instanceof ProblemError ? error : noOffer(error);
      }
    } finally {
      this.#beginning -= 1;
    }
  }

  async #end(handle: EchoTestHandle): Promise<void> {
    clearTimeout(this.#running.get(handle));
    if (this.#running.delete(handle)) await handle.detach().catch(() => undefined);
  }
}

function noOffer(cause: unknown): ProblemError {
  const message = 'send an offer of WebRTC with its candidates';
  return new ProblemError('invalid_request', `sdp: ${message}`, { fields: [{ field: 'sdp', message }], cause });
}
