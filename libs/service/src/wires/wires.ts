import { wireLimits } from '@communication-center/contracts/internal';
import { WebSocket } from 'ws';
import { placeOn } from '../arrivals/request-target.js';
import { Wire } from './wire.js';

/** So long the opening of a wire may take. */
const openMs = 2000;
/** So long after one was opened, or could not be, no other is opened to the same replica; a refusal is one of a release that has none. */
const pauseMs = { broken: 1000, refused: 30_000 };

const mostRemembered = 64;

interface Way {
  wire?: Wire | undefined;
  isOpening: boolean;
  notBefore: number;
}

/**
 * The wires to the replicas of a service, for one endpoint: one each, opened when it is first missed. Whoever finds none asks over
 * HTTP meanwhile, so nobody waits for one, and a release without them is asked as before.
 */
export class Wires {
  readonly #ways = new Map<string, Way>();

  /**
   * @param path of the endpoint.
   * @param authorization makes what the wire is opened with.
   * @param onSilent is told of a replica that did not answer in time.
   */
  constructor(
    private readonly path: string,
    private readonly authorization: () => Promise<string>,
    private readonly onSilent: (url: string) => void,
  ) {}

  /** @returns the wire to a replica where there is one that can be asked now. */
  to(url: string): Wire | undefined {
    const way = this.#ways.get(url) ?? { isOpening: false, notBefore: 0 };
    this.#ways.set(url, way);
    if (way.wire?.isFree) return way.wire;
    if (!way.wire && !way.isOpening && performance.now() >= way.notBefore) void this.#open(url, way);
    return undefined;
  }

  /** Replicas come and go under new addresses: of those without a wire few are remembered, the newest. */
  #forgetOthers(kept: string): void {
    for (const [url, { wire, isOpening }] of this.#ways) {
      if (this.#ways.size <= mostRemembered) break;
      if (url !== kept && !wire && !isOpening) this.#ways.delete(url);
    }
  }

  async #open(url: string, way: Way): Promise<void> {
    way.isOpening = true;
    const pause = (milliseconds: number) => {
      way.isOpening = false;
      way.notBefore = performance.now() + milliseconds * (0.5 + Math.random());
    };
    let authorization: string;
    try {
      authorization = await this.authorization();
    } catch {
      // Who asks over HTTP hears why.
      return pause(pauseMs.broken);
    }
    const socket = new WebSocket(placeOn(url.replace(/^http/, 'ws'), this.path), {
      headers: { authorization },
      perMessageDeflate: false,
      handshakeTimeout: openMs,
      maxPayload: wireLimits.answerBytes,
    });
    let isRefused = false;
    // A close follows every error.
    socket.on('error', ({ message }) => {
      isRefused = /^Unexpected server response: (?!503)/.test(message);
    });
    socket.once('open', () => {
      way.isOpening = false;
      way.wire = new Wire(socket, () => this.onSilent(url));
    });
    socket.once('close', () => {
      way.wire = undefined;
      pause(isRefused ? pauseMs.refused : pauseMs.broken);
      this.#forgetOthers(url);
    });
  }
}
