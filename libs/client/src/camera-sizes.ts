import { type Layer, layerNames } from '@communication-center/contracts';

/** What of a sender decides in which sizes it sends. */
type Sender = Pick<RTCRtpSender, 'getStats' | 'getParameters' | 'setParameters' | 'track'>;

/** What Chromium gives the only size of a picture, in bits a second, where nothing is said: less if it is one of several that could be sent. */
const alone = { upToHeight: 480, bitsPerSecond: 1_700_000, higherBitsPerSecond: 2_500_000 };

/** What the network is taken to carry until that is known, in kbit/s. */
const startKbps = 1000;

/**
 * In which sizes a camera is sent (simulcast, RFC 8853). All are negotiated with the connection, and in a call of two only the largest is
 * made: a third who comes is sent the others without a negotiation.
 */
export class CameraSizes {
  readonly #isOfMany: () => boolean;
  #layers: readonly Layer[] = [];
  #isSetFor: boolean | undefined;

  constructor(isOfMany: () => boolean) {
    this.#isOfMany = isOfMany;
  }

  /** What is to be negotiated for a camera. */
  static readonly encodings: readonly RTCRtpEncodingParameters[] = layerNames.map((rid, index) => ({
    rid,
    scaleResolutionDownBy: 2 ** index,
  }));

  /** What is sent now, largest first; none where that is not known, or need not be. */
  get layers(): readonly Layer[] {
    return this.#layers;
  }

  /** An answer has every size sent again that it names (libwebrtc takes it for a word on that). */
  answered(): void {
    this.#isSetFor = undefined;
  }

  /** Has the sender send as many sizes as the call is for. @returns when it does, or cannot. */
  async follow(sender: Sender | undefined): Promise<void> {
    const isOfMany = this.#isOfMany();
    if (!sender || this.#isSetFor === isOfMany) return;
    this.#isSetFor = isOfMany;
    const parameters = sender.getParameters();
    // A platform that makes one size alone has one entry, and nothing to be told.
    if (parameters.encodings.length < 2) return;
    for (const [index, encoding] of parameters.encodings.entries()) {
      encoding.active = isOfMany || index === 0;
      delete encoding.maxBitrate;
    }
    const [largest] = parameters.encodings;
    if (largest && !isOfMany) largest.maxBitrate = bitrateFor(sender.track);
    await sender.setParameters(parameters).catch(() => {
      this.#isSetFor = undefined;
    });
  }

  /** Looks in which sizes the camera is sent: that is for the platform to say, by the picture and the network. @returns whether they are others than before. */
  async look(sender: Sender | undefined): Promise<boolean> {
    if (!sender || !this.#isOfMany()) return false;
    const sent: Layer[] = [];
    const report = await sender.getStats().catch(() => undefined);
    report?.forEach((entry: { type: string; rid?: string; active?: boolean; frameHeight?: number }) => {
      const rid = layerNames.find((name) => name === entry.rid);
      if (entry.type === 'outbound-rtp' && rid && entry.active !== false && entry.frameHeight)
        sent.push({ rid, height: entry.frameHeight });
    });
    const layers = sent.toSorted((one, other) => other.height - one.height);
    if (JSON.stringify(layers) === JSON.stringify(this.#layers)) return false;
    this.#layers = layers;
    return true;
  }
}

/** @returns an offer that names all sizes, whether they are sent at the moment or not: not every SFU knows the sign for that (`~`, RFC 8853 §5.2). */
export function withoutPauses(sdp: string): string {
  return sdp.replace(/^a=simulcast:.*$/gm, (line) => line.replaceAll('~', ''));
}

/**
 * @returns an answer by which libwebrtc begins with more than the 300 kbit/s that it takes before it knows the network: at those a first
 *   picture is on its way for 30 ms longer, and one above 640 × 360 is made smaller first. Other platforms pass it over.
 */
export function begunBriskly(sdp: string): string {
  return sdp.replace(/^(a=rtpmap:(\d+) VP8\/90000)(\r?)$/gm, `$1$3\na=fmtp:$2 x-google-start-bitrate=${startKbps}$3`);
}

function bitrateFor(track: MediaStreamTrack | null): number {
  const height = track?.getSettings?.().height ?? alone.upToHeight;
  return height > alone.upToHeight ? alone.higherBitsPerSecond : alone.bitsPerSecond;
}
