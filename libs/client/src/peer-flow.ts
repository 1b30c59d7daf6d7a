/** A peer connection that received something is alive for so long, in milliseconds: reports of what is sent come about each second. */
const aliveMs = 1500;

/** Whether anything comes over one peer connection: media, or the other side's reports of the media it gets. */
export class PeerFlow {
  #received: number | undefined;
  #aliveUntil = 0;

  constructor(private readonly peer: RTCPeerConnection) {}

  /** Whether it was seen to receive something of late. */
  get isAlive(): boolean {
    return Date.now() < this.#aliveUntil;
  }

  /** Whether it has lost its way: some platforms say so for seconds longer than it is true. */
  get isLost(): boolean {
    return this.peer.connectionState === 'disconnected' && !this.isAlive;
  }

  /** Nothing is known of it any more. */
  forget(): void {
    this.#received = undefined;
    this.#aliveUntil = 0;
  }

  /** Looks whether it has received anything since the last look. */
  async look(): Promise<void> {
    const received = await this.receivedBytes();
    if (this.#received !== undefined && received > this.#received) this.#aliveUntil = Date.now() + aliveMs;
    this.#received = received;
  }

  /** @returns how many bytes it has received. */
  async receivedBytes(): Promise<number> {
    const report = await this.peer.getStats().catch(() => undefined);
    let bytes = 0;
    report?.forEach((entry: { type: string; bytesReceived?: number }) => {
      if (entry.type === 'inbound-rtp' || entry.type === 'candidate-pair') bytes += entry.bytesReceived ?? 0;
    });
    return bytes;
  }
}
