import { PeerFlow } from './peer-flow.js';
import { Silence } from './silence.js';

/** How often it is looked, in milliseconds, whether media comes while the socket is silent or a connection says it is lost. */
const lookMs = 250;
/** In so many milliseconds some of it comes, where any does. */
const anyWithinMs = 200;
/** Two looks, of which the second sees what came since the first. */
const firstLooksMs = 3 * lookMs;

/**
 * Says whether a media link is quiet: its socket is silent and no media comes either, or a connection of it has lost its way. After
 * a cut the socket may need many seconds to come to itself, when media has been flowing again for long; and Firefox calls a connection
 * lost for seconds after it is not.
 */
export class LinkPulse {
  readonly #peers: readonly RTCPeerConnection[];
  readonly #flows: readonly PeerFlow[];
  readonly #onChange: (isQuiet: boolean) => void;
  readonly #silence = new Silence(() => this.#onSign());
  #looking: ReturnType<typeof setInterval> | undefined;
  #isQuiet = false;
  #stopped = false;
  /** The socket is gone: whether anything comes is for media alone to say. */
  #isBroken = false;
  /** Until when it is not said that nothing comes, since it was not looked long enough. */
  #judgesFrom = 0;

  constructor(peers: readonly RTCPeerConnection[], onChange: (isQuiet: boolean) => void) {
    this.#peers = peers;
    this.#flows = peers.map((peer) => new PeerFlow(peer));
    this.#onChange = onChange;
  }

  /** The socket said something. */
  heard(): void {
    if (!this.#stopped) this.#silence.heard();
  }

  get isQuiet(): boolean {
    return this.#isQuiet;
  }

  /** Whether one of the connections was seen to receive something of late. */
  get isFlowing(): boolean {
    return this.#flows.some(({ isAlive }) => isAlive);
  }

  /** Whether one of the connections has lost its way, and nothing comes over it. */
  get isAstray(): boolean {
    return this.#flows.some(({ isLost }) => isLost);
  }

  /** The socket is gone. */
  broke(): void {
    this.#isBroken = true;
    this.#judgesFrom = Date.now() + firstLooksMs;
    this.#onSign();
  }

  /** Another socket is there. */
  mended(): void {
    this.#isBroken = false;
    this.heard();
    this.#onSign();
  }

  /** The state of a connection is another. */
  stateChanged(): void {
    this.#onSign();
  }

  /** @returns whether the link is well: not quiet, or media comes again that has not been looked at yet. */
  async isWell(): Promise<boolean> {
    if (!this.#isQuiet) return true;
    const before = await this.#receivedBytes();
    await new Promise((resolve) => setTimeout(resolve, anyWithinMs));
    return (await this.#receivedBytes()) > before;
  }

  stop(): void {
    this.#stopped = true;
    clearInterval(this.#looking);
    this.#silence.stop();
  }

  /** Media is looked at while something else says that the link is lost, and only then. */
  #onSign(): void {
    const isDoubtful =
      !this.#stopped && (this.#isBroken || this.#silence.isSilent || this.#peers.some((peer) => peer.connectionState === 'disconnected'));
    if (isDoubtful && this.#looking === undefined) {
      for (const flow of this.#flows) flow.forget();
      this.#looking = setInterval(() => void this.#look(), lookMs);
    } else if (!isDoubtful) {
      clearInterval(this.#looking);
      this.#looking = undefined;
    }
    this.#tell();
  }

  async #look(): Promise<void> {
    await Promise.all(this.#flows.map((flow) => flow.look()));
    this.#tell();
  }

  #tell(): void {
    const isUnheard = this.#isBroken ? Date.now() >= this.#judgesFrom : this.#silence.isSilent;
    const isSilent = isUnheard && !this.isFlowing;
    const isQuiet = !this.#stopped && (isSilent || this.isAstray);
    if (isQuiet === this.#isQuiet) return;
    this.#isQuiet = isQuiet;
    this.#onChange(isQuiet);
  }

  async #receivedBytes(): Promise<number> {
    const received = await Promise.all(this.#flows.map((flow) => flow.receivedBytes()));
    return received.reduce((sum, bytes) => sum + bytes, 0);
  }
}
