import type { Layer, MediaClientFrame, Sending } from '@communication-center/contracts';
import { begunBriskly, CameraSizes, withoutPauses } from './camera-sizes.js';
import type { MediaKind } from './local-media.js';

/** What a device sends, each in a section of its connection: microphone, camera, a screen, and the sound of that. */
export type Section = MediaKind | 'screen' | 'screenSound';

/** What a device tells the others that it sends. */
export type ToldSending = Sending & { screen?: Sending };

/** What a link sends: the sections that there are, whose tracks may come later, and what to tell the others, and the Center, of it. */
export interface LinkSends {
  /** How often the Center is told how media goes, in milliseconds; 0 for never. */
  qualityEveryMs: number;
  /** Whether the camera is to be sent in several sizes at once by now, where the platform can. */
  isOfMany(): boolean;
  sections(): readonly Section[];
  trackOf(section: Section): MediaStreamTrack | undefined;
  sending(): ToldSending;
}

type Offer = MediaClientFrame & { type: 'publish' };

const kindOf: Record<Section, MediaKind> = { audio: 'audio', video: 'video', screen: 'video', screenSound: 'audio' };
const ofScreen: readonly Section[] = ['screen', 'screenSound'];

/**
 * The sending end of a link: one connection for all that the device sends. A section that is added later is negotiated over the
 * same connection, and what is sent already goes on meanwhile; a track in a section comes, goes and changes without a negotiation.
 */
export class MediaPublisher {
  readonly #peer: RTCPeerConnection;
  readonly #sends: LinkSends;
  readonly #offer: (offer: Offer) => void;
  readonly #sections = new Map<Section, RTCRtpTransceiver>();
  #phase: 'shut' | 'offering' | 'agreed' = 'shut';
  #isBehind = false;
  #isToRestart = false;
  #prepared: Promise<RTCSessionDescriptionInit | undefined> | undefined;
  #lastOffer: Offer | undefined;
  readonly #sizes: CameraSizes;

  constructor(peer: RTCPeerConnection, sends: LinkSends, offer: (offer: Offer) => void) {
    this.#peer = peer;
    this.#sends = sends;
    this.#offer = offer;
    this.#sizes = new CameraSizes(() => sends.isOfMany());
  }

  /** Has the platform work out the first offer, before it may be made: nothing is gathered, nor sent. */
  prepare(): void {
    if (!this.#addSections()) return;
    this.#prepared = this.#peer.createOffer().catch(() => undefined);
  }

  /** Makes the first offer. @throws Error of the platform. */
  async open(): Promise<void> {
    const prepared = this.#addSections() ? undefined : await this.#prepared;
    await this.#negotiate(prepared);
  }

  /** Takes the answer to the last offer. @throws Error of the platform. */
  async answered(sdp: string): Promise<void> {
    await this.#peer.setRemoteDescription({ type: 'answer', sdp: begunBriskly(sdp) });
    this.#phase = 'agreed';
    this.#sizes.answered();
    await this.#sizes.follow(this.#camera);
    if (this.#isBehind) await this.#negotiate();
  }

  /** Offers sections that have come since. @throws Error of the platform. */
  async extend(): Promise<void> {
    // The first offer has all that is there by then.
    if (this.#phase === 'shut' || !this.#addSections()) return;
    if (this.#phase === 'offering') this.#isBehind = true;
    else await this.#negotiate();
  }

  /** Has the connection find its way anew (RFC 8445 §2.4), with what it carries. @throws Error of the platform. */
  async restart(): Promise<void> {
    if (this.#phase === 'shut') return;
    this.#isToRestart = true;
    if (this.#phase === 'offering') this.#isBehind = true;
    else await this.#negotiate();
  }

  /** The answer to the last offer may have been lost with its socket: an offer that is taken twice changes nothing. */
  offerAgain(): void {
    if (this.#phase !== 'offering' || !this.#lastOffer) return;
    this.#offer({ ...this.#lastOffer, sdp: withoutPauses(this.#peer.localDescription?.sdp ?? this.#lastOffer.sdp) });
  }

  /** Sends what there is of a section now, without a negotiation. */
  send(section: Section): void {
    // A connection that was closed meanwhile sends nothing anyway.
    this.#sections
      .get(section)
      ?.sender.replaceTrack(this.#sends.trackOf(section) ?? null)
      .catch(() => undefined);
  }

  /** In which sizes the camera is sent now; none where that is one, or not known yet. */
  get layers(): readonly Layer[] {
    return this.#sizes.layers;
  }

  /** Sends the camera in as many sizes as the call is for, and looks which come of that. @returns whether they are others than before. */
  async lookAtLayers(): Promise<boolean> {
    if (this.#phase === 'agreed') await this.#sizes.follow(this.#camera);
    return this.#sizes.look(this.#camera);
  }

  get #camera(): RTCRtpSender | undefined {
    return this.#sections.get('video')?.sender;
  }

  /** @returns what a section of the connection carries. */
  sectionOf(mid: string): Section | undefined {
    for (const [section, transceiver] of this.#sections) if (transceiver.mid === mid) return section;
    return undefined;
  }

  /** @returns whether there were any to add. */
  #addSections(): boolean {
    const missing = this.#sends.sections().filter((section) => !this.#sections.has(section));
    for (const section of missing) {
      this.#sections.set(section, this.#peer.addTransceiver(kindOf[section], this.#terms(section)));
      this.send(section);
    }
    return missing.length > 0;
  }

  #terms(section: Section): RTCRtpTransceiverInit {
    return { direction: 'sendonly', ...(section === 'video' && { sendEncodings: [...CameraSizes.encodings] }) };
  }

  async #negotiate(prepared?: RTCSessionDescriptionInit): Promise<void> {
    this.#phase = 'offering';
    this.#isBehind = false;
    const offer = prepared ?? (await this.#peer.createOffer({ iceRestart: this.#isToRestart }));
    this.#isToRestart = false;
    // A screen's sections have their names once it is described; without one the other side works on it meanwhile.
    const isOfScreen = ofScreen.some((section) => this.#sections.has(section));
    if (!isOfScreen) this.#say(offer);
    await this.#peer.setLocalDescription(offer);
    if (isOfScreen) this.#say(offer);
  }

  #say({ sdp = '' }: RTCSessionDescriptionInit): void {
    const screen = ofScreen.flatMap((section) => this.#sections.get(section)?.mid ?? []);
    this.#lastOffer = { type: 'publish', kind: 'camera', sdp: withoutPauses(sdp), ...(screen.length > 0 && { screen }) };
    this.#offer(this.#lastOffer);
  }
}
