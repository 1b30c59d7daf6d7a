import type { MediaServerFrame, Stream, Told } from '@communication-center/contracts';

export type ToldStream = Told<Stream>;
type Offer = Told<MediaServerFrame> & { type: 'offer' };

/** What is known of a track beyond the track. */
export interface Arrival {
  /** Whether anything comes of it. */
  hasCome: () => Promise<boolean>;
  /** How loud it is now, from 0 to 1, linear (`audioLevel` of WebRTC's synchronization sources); 0 of what is no sound, or says nothing of it. */
  level: () => number;
}

export interface TrackListener {
  track(stream: ToldStream, track: MediaStreamTrack, arrival: Arrival): void;
}

/** The receiving end of a link: one connection for all that others send. */
export class MediaReceiver {
  readonly #known = new Map<string, ToldStream>();
  /** The stream of each section. */
  readonly #streamOf = new Map<string, string>();

  constructor(
    private readonly peer: RTCPeerConnection,
    private readonly answer: (sdp: string) => void,
    private readonly listener: TrackListener,
  ) {}

  /** These streams are there, and no others. */
  list(streams: readonly ToldStream[]): void {
    this.#known.clear();
    for (const stream of streams) this.hear(stream);
  }

  hear(stream: ToldStream): void {
    this.#known.set(stream.streamId, stream);
  }

  forget(streamId: string): void {
    this.#known.delete(streamId);
  }

  /** @returns the stream of a section, by its mid. */
  streamOf(mid: string): string | undefined {
    return this.#streamOf.get(mid);
  }

  /** Answers an offer, and tells of the tracks that come with it. @throws Error of the platform. */
  async take({ sdp, tracks }: Offer): Promise<void> {
    const seen = new Set(
      this.peer
        .getTransceivers()
        .filter(isReceiving)
        .map(({ mid }) => mid),
    );
    await this.peer.setRemoteDescription({ type: 'offer', sdp });
    const answer = await this.peer.createAnswer();
    const told = heldTo(answer.sdp ?? '');
    // The other side works on it meanwhile.
    const described = this.peer.setLocalDescription({ type: 'answer', sdp: told });
    this.answer(told);
    await described;
    for (const { mid, streamId } of tracks) {
      this.#streamOf.set(mid, streamId);
      const transceiver = this.peer.getTransceivers().find((one) => one.mid === mid);
      const stream = this.#known.get(streamId);
      if (!stream || !transceiver || !isReceiving(transceiver) || seen.has(mid)) continue;
      const { receiver } = transceiver;
      this.listener.track(stream, receiver.track, { hasCome: () => hasCome(receiver), level: () => levelOf(receiver) });
    }
  }
}

/**
 * Has the other side begin DTLS (RFC 8842 §5.3): Janus throws away what comes before it has chosen a way, and this side, which is sooner
 * ready, would say its first word again after 50 ms only. Firefox throws away what comes early, in turn: there it begins itself.
 * @returns an answer that says so.
 */
function heldTo(answer: string): string {
  return answer.startsWith('v=0\r\no=mozilla') ? answer : answer.replaceAll('a=setup:active', 'a=setup:passive');
}

/** Whether a picture was decoded, or sound came, of what a receiver brings. */
async function hasCome(receiver: RTCRtpReceiver): Promise<boolean> {
  let has = false;
  (await receiver.getStats()).forEach((entry: { type: string; kind?: string; framesDecoded?: number; packetsReceived?: number }) => {
    if (entry.type === 'inbound-rtp') has ||= ((entry.kind === 'video' ? entry.framesDecoded : entry.packetsReceived) ?? 0) > 0;
  });
  return has;
}

function levelOf(receiver: RTCRtpReceiver): number {
  const [loudest = 0] = receiver
    .getSynchronizationSources()
    .map(({ audioLevel = 0 }) => audioLevel)
    .toSorted((one, other) => other - one);
  return loudest;
}

function isReceiving({ currentDirection }: RTCRtpTransceiver): boolean {
  return currentDirection === 'recvonly' || currentDirection === 'sendrecv';
}
