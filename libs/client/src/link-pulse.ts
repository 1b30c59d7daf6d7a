import { Silence } from './silence.js';

/** How often it is looked, in milliseconds, whether media comes while the socket is silent. */
const lookMs = 500;
/** In so many milliseconds some of it comes, where any does. */
const anyWithinMs = 200;

/**
 * Says whether a media link is quiet: its socket is silent and no media comes either, or a connection of it has lost its way. After
 * a cut the socket may need many seconds to come to itself, when media has been flowing again for long.
 */
export class LinkPulse {
  readonly #peers: readonly RTCPeerConnection[];
  readonly #onChange: (isQuiet: boolean) => void;
  readonly #silence = new Silence(() => this.#onSilence());
  #looking: ReturnType<typeof setInterval> | undefined;
  #received: number | undefined;
  #flows = false;
  #isQuiet = false;
  #stopped = false;

  constructor(peers: readonly RTCPeerConnection[], onChange: (isQuiet: boolean) => void) {
    this.#peers = peers;
    this.#onChange = onChange;
  }

  /** The socket said something. */
  heard(): void {
    if (!this.#stopped) this.#silence.heard();
  }

  /** Looks at the state of the connections anew. */
  look(): void {
    const lost = this.#peers.some(({ connectionState }) => connectionState === 'disconnected');
    const isQuiet = !this.#stopped && (lost || (this.#silence.isSilent && !this.#flows));
    if (isQuiet === this.#isQuiet) return;
    this.#isQuiet = isQuiet;
    this.#onChange(isQuiet);
  }

  /** @returns whether the link is well: not quiet, or media comes again that has not been looked at yet. */
  async isWell(): Promise<boolean> {
    if (!this.#isQuiet) return true;
    const before = await this.#receivedNow();
    await new Promise((resolve) => setTimeout(resolve, anyWithinMs));
    return (await this.#receivedNow()) > before;
  }

  stop(): void {
    this.#stopped = true;
    clearInterval(this.#looking);
    this.#silence.stop();
  }

  #onSilence(): void {
    clearInterval(this.#looking);
    this.#flows = false;
    this.#received = undefined;
    if (this.#silence.isSilent) this.#looking = setInterval(() => void this.#lookForMedia(), lookMs);
    this.look();
  }

  async #lookForMedia(): Promise<void> {
    const received = await this.#receivedNow();
    if (!this.#silence.isSilent || this.#stopped) return;
    this.#flows = this.#received !== undefined && received > this.#received;
    this.#received = received;
    this.look();
  }

  async #receivedNow(): Promise<number> {
    const reports = await Promise.all(this.#peers.map((peer) => peer.getStats())).catch(() => []);
    return reports.reduce((sum, report) => sum + bytesIn(report), 0);
  }
}

function bytesIn(report: RTCStatsReport): number {
  let bytes = 0;
  report.forEach((entry: { type: string; bytesReceived?: number }) => {
    if (entry.type === 'inbound-rtp') bytes += entry.bytesReceived ?? 0;
  });
  return bytes;
}
