import type { MediaClientFrame, QualityFrame } from '@communication-center/contracts';
import type { Section } from './media-publisher.js';
import { qualityOf, type Stats } from './read-stats.js';

export type End = 'publisher' | 'subscriber';
type CandidateFrame = MediaClientFrame & { type: 'candidate' };

interface LinkPeersOptions {
  /** This end found a way by which it may be reached, or has named all. */
  found: (frame: CandidateFrame) => void;
  stateChanged: (end: End, state: RTCPeerConnectionState) => void;
}

/** The two peer connections of a link: one for all that the device sends, one for all that others send. */
export class LinkPeers {
  readonly publishing: RTCPeerConnection;
  readonly subscribing: RTCPeerConnection;

  /** As text: none at first. */
  #used = '[]';

  constructor(options: LinkPeersOptions) {
    this.publishing = peerOf('publisher', options);
    this.subscribing = peerOf('subscriber', options);
  }

  get both(): [RTCPeerConnection, RTCPeerConnection] {
    return [this.publishing, this.subscribing];
  }

  /** Whether one of them has lost its way. */
  get isLost(): boolean {
    return this.both.some(({ connectionState }) => connectionState === 'disconnected' || connectionState === 'failed');
  }

  /** Has them use these servers for whatever they gather from now on. */
  use(iceServers: readonly RTCIceServer[]): void {
    const used = JSON.stringify(iceServers);
    if (used === this.#used) return;
    this.#used = used;
    for (const peer of this.both) peer.setConfiguration({ ...peer.getConfiguration(), iceServers: [...iceServers] });
  }

  /** @returns how media comes and goes over them. @throws where the platform has no figures just now. */
  async measure(sectionOf: (mid: string) => Section | undefined, streamOf: (mid: string) => string | undefined): Promise<QualityFrame> {
    const [sending, receiving] = (await Promise.all(this.both.map((peer) => peer.getStats()))) as unknown as [Stats, Stats];
    return qualityOf({ sending, receiving, sectionOf, streamOf });
  }

  close(): void {
    for (const peer of this.both) peer.close();
  }
}

function peerOf(end: End, { found, stateChanged }: LinkPeersOptions): RTCPeerConnection {
  const connection = new RTCPeerConnection({ bundlePolicy: 'max-bundle' });
  connection.onicecandidate = ({ candidate: named }) => {
    const candidate = named && { candidate: named.candidate, sdpMid: named.sdpMid, sdpMLineIndex: named.sdpMLineIndex };
    found({ type: 'candidate', peer: end, candidate });
  };
  connection.onconnectionstatechange = () => stateChanged(end, connection.connectionState);
  return connection;
}
