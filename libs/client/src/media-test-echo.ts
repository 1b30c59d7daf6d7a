import type { MediaTest, Told } from '@communication-center/contracts';

/** What came back from Janus of what was sent to it. */
export interface EchoFigures {
  /** How long it took until the connection was up, in milliseconds. */
  connectMs: number;
  /** By which way this end is reached: host, srflx, prflx or relay (RFC 8445 §5.1). */
  candidateType: string | null;
  /** To Janus and back, in milliseconds. */
  roundTripMs: number | null;
  /** What went out, and what came back, in kilobits a second. */
  upKbps: number;
  downKbps: number;
  /** Of the packets that were to come back, and the jitter of those that did, in milliseconds. */
  lossPercent: number | null;
  jitterMs: number | null;
}

interface EchoOptions {
  iceServers: RTCIceServer[];
  /** What comes back at most, in kilobits a second. */
  kbps: number;
  ask: (sdp: string) => Promise<Told<MediaTest>>;
  /** For so long it is measured, in milliseconds. */
  ms: number;
}

interface Entry {
  type: string;
  id: string;
  nominated?: boolean;
  state?: string;
  localCandidateId?: string;
  candidateType?: string;
  currentRoundTripTime?: number;
  bytesSent?: number;
  bytesReceived?: number;
  packetsReceived?: number;
  packetsLost?: number;
  jitter?: number;
}

const [gatherMs, connectMs, settleMs] = [2500, 10_000, 1500];
const size = { width: 640, height: 480 };

/** Sends noise, which no encoder makes small, to Janus, and measures what comes back. @throws Error where nothing can. */
export async function echo({ iceServers, kbps, ask, ms }: EchoOptions): Promise<EchoFigures> {
  const noise = makeNoise();
  const peer = new RTCPeerConnection({ iceServers, bundlePolicy: 'max-bundle' });
  try {
    const [track] = noise.stream.getVideoTracks();
    if (!track) throw new Error('This platform makes no pictures of its own');
    peer.addTransceiver(track, { direction: 'sendrecv', streams: [noise.stream], sendEncodings: [{ maxBitrate: kbps * 1000 }] });
    await peer.setLocalDescription(await peer.createOffer());
    await until(() => peer.iceGatheringState === 'complete', gatherMs);
    const startedAt = performance.now();
    const { sdp } = await ask(peer.localDescription?.sdp ?? '');
    if (!sdp) throw new Error('The Center has no Janus that answers');
    await peer.setRemoteDescription({ type: 'answer', sdp });
    const isUp = await until(() => peer.connectionState === 'connected' || peer.connectionState === 'failed', connectMs);
    if (!isUp || peer.connectionState !== 'connected') throw new Error('No way to Janus was found: a firewall may be in between');
    const tookMs = Math.round(performance.now() - startedAt);
    await pause(settleMs);
    const before = await figuresOf(peer);
    await pause(ms);
    const after = await figuresOf(peer);
    return { connectMs: tookMs, ...between(before, after) };
  } finally {
    peer.close();
    noise.stop();
  }
}

type Counted = Awaited<ReturnType<typeof figuresOf>>;

async function figuresOf(peer: RTCPeerConnection) {
  const entries = new Map<string, Entry>();
  (await peer.getStats()).forEach((entry: Entry) => void entries.set(entry.id, entry));
  const of = (type: string) => [...entries.values()].filter((entry) => entry.type === type);
  const pair = of('candidate-pair').find(({ nominated, state }) => nominated && state === 'succeeded');
  const [received, sent] = [of('inbound-rtp')[0], of('outbound-rtp')[0]];
  return { at: performance.now(), pair, own: entries.get(pair?.localCandidateId ?? ''), received, sent };
}

/** @returns what was counted from one reading to a later one. */
export function between(before: Counted, after: Counted): Omit<EchoFigures, 'connectMs'> {
  const seconds = (after.at - before.at) / 1000;
  const kbps = (bytes: number) => Math.max(0, Math.round((bytes * 8) / 1000 / seconds));
  const more = (one: 'bytesSent' | 'bytesReceived' | 'packetsReceived' | 'packetsLost', of: 'sent' | 'received') =>
    Math.max(0, (after[of]?.[one] ?? 0) - (before[of]?.[one] ?? 0));
  const [came, lost] = [more('packetsReceived', 'received'), more('packetsLost', 'received')];
  const inMs = (value: number | undefined) => (value === undefined ? null : Math.round(value * 1000));
  return {
    candidateType: after.own?.candidateType ?? null,
    roundTripMs: inMs(after.pair?.currentRoundTripTime),
    upKbps: kbps(more('bytesSent', 'sent')),
    downKbps: kbps(more('bytesReceived', 'received')),
    lossPercent: came + lost === 0 ? null : Math.round((1000 * lost) / (came + lost)) / 10,
    jitterMs: inMs(after.received?.jitter),
  };
}

function makeNoise(): { stream: MediaStream; stop: () => void } {
  const canvas = Object.assign(document.createElement('canvas'), size);
  const drawn = canvas.getContext('2d');
  const image = drawn?.createImageData(size.width, size.height);
  const draw = () => {
    if (!drawn || !image) return;
    const words = new Uint32Array(image.data.buffer);
    for (let index = 0; index < words.length; index += 1) words[index] = 0xff000000 | (Math.random() * 0xffffff);
    drawn.putImageData(image, 0, 0);
  };
  draw();
  const drawing = setInterval(draw, 100);
  const stream = canvas.captureStream(10);
  const stop = () => {
    clearInterval(drawing);
    for (const track of stream.getTracks()) track.stop();
  };
  return { stream, stop };
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** @returns whether something came true in its time. */
async function until(is: () => boolean, ms: number): Promise<boolean> {
  for (const end = performance.now() + ms; !is(); await pause(50)) if (performance.now() > end) return false;
  return true;
}
