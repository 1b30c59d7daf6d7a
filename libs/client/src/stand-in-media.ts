/** A track of a test, and whether it is live. */
export class StandInTrack {
  stopped = false;
  enabled = true;
  onended: (() => void) | null = null;
  constructor(readonly kind: string) {}
  stop(): void {
    this.stopped = true;
  }
}

export class StandInStream {
  readonly tracks: StandInTrack[];
  constructor(tracks: StandInTrack[] = []) {
    this.tracks = [...tracks];
  }
  getTracks(): StandInTrack[] {
    return this.tracks;
  }
  addTrack(track: StandInTrack): void {
    this.tracks.push(track);
  }
  removeTrack(track: StandInTrack): void {
    this.tracks.splice(this.tracks.indexOf(track), 1);
  }
}

interface Encoding {
  rid: string;
  active?: boolean;
  maxBitrate?: number;
}

interface Sender {
  kind: string;
  encodings: Encoding[];
  getParameters(): { encodings: Encoding[] };
  setParameters(parameters: { encodings: Encoding[] }): Promise<void>;
  track: StandInTrack | null;
  replaceTrack(track: StandInTrack | null): Promise<void>;
  getStats(): Promise<object[]>;
}

class StandInReceiver {
  readonly track = new StandInTrack('video');
  async getStats(): Promise<object[]> {
    return StandInPeer.statsOfReceivers?.() ?? [];
  }
}

/** A peer connection of a test: it negotiates with anybody. */
export class StandInPeer {
  static made: StandInPeer[] = [];
  /** What WebRTC's statistics say of any receiver. */
  static statsOfReceivers: (() => object[]) | undefined;
  /** What WebRTC's statistics say of any sender. */
  static statsOfSenders: object[] = [];
  /** In which sizes each of its senders was to send. */
  readonly rids: string[][] = [];
  connectionState = 'new';
  onconnectionstatechange: () => void = () => undefined;
  readonly senders: Sender[] = [];
  readonly remote: { type: string; sdp: string }[] = [];
  transceivers: { mid: string; currentDirection: string; receiver: StandInReceiver }[] = [];
  closed = false;
  /** How many of its offers begin ICE anew. */
  iceRestarts = 0;
  /** What WebRTC's statistics count of what came. */
  bytesReceived = 0;
  /** The address of its server at each offer and answer it described. */
  readonly gatheredBy: (string | undefined)[] = [];

  constructor(private configuration: RTCConfiguration) {
    StandInPeer.made.push(this);
  }
  getConfiguration(): RTCConfiguration {
    return this.configuration;
  }
  setConfiguration(configuration: RTCConfiguration): void {
    this.configuration = configuration;
  }
  addTransceiver(kind: string, { sendEncodings = [] }: { sendEncodings?: Encoding[] } = {}): { sender: Sender; mid: string } {
    this.rids.push(sendEncodings.map(({ rid }) => rid));
    const sender: Sender = {
      kind,
      encodings: sendEncodings.map((one) => ({ ...one })),
      getParameters: () => ({ encodings: sender.encodings.map((one) => ({ ...one })) }),
      setParameters: async ({ encodings }) => {
        sender.encodings = encodings;
      },
      track: null,
      replaceTrack: async (track) => {
        sender.track = track;
      },
      getStats: async () => StandInPeer.statsOfSenders,
    };
    this.senders.push(sender);
    return { sender, mid: String(this.senders.length - 1) };
  }
  /** The kinds of the live tracks it sends. */
  get sent(): string[] {
    return this.closed ? [] : this.senders.flatMap(({ track }) => (track && !track.stopped && track.enabled ? [track.kind] : []));
  }
  getTransceivers(): StandInPeer['transceivers'] {
    return this.transceivers;
  }
  async getStats(): Promise<Map<string, object>> {
    return new Map([['in', { type: 'inbound-rtp', bytesReceived: this.bytesReceived }]]);
  }
  async createOffer({ iceRestart = false } = {}): Promise<object> {
    if (iceRestart) this.iceRestarts += 1;
    return { type: 'offer', sdp: 'my offer' };
  }
  async createAnswer(): Promise<object> {
    return { type: 'answer', sdp: 'my answer' };
  }
  async setLocalDescription(): Promise<void> {
    this.gatheredBy.push(this.configuration.iceServers?.map(({ urls }) => String(urls)).join());
  }
  async setRemoteDescription(description: { type: string; sdp: string }): Promise<void> {
    this.remote.push(description);
    // Each section of the offer brings a track.
    if (description.type === 'offer') {
      this.transceivers = description.sdp.split(' ').map((mid) => ({
        mid,
        currentDirection: 'recvonly',
        receiver: this.transceivers.find((one) => one.mid === mid)?.receiver ?? new StandInReceiver(),
      }));
    }
  }
  become(state: string): void {
    this.connectionState = state;
    this.onconnectionstatechange();
  }
  close(): void {
    this.closed = true;
  }
}

type Question = { kinds: string[]; answer: (stream: StandInStream) => void; refuse: (name: string) => void };

/** The cameras and microphones of a test's platform, and the questions it asks its user. */
export class StandInDevices {
  /** All tracks it ever opened. */
  readonly opened: StandInTrack[] = [];
  /** Questions without an answer yet. */
  readonly open: Question[] = [];
  /** What is answered at once; undefined: the user is asked. */
  answer: ((kinds: string[]) => string | 'allow') | undefined = () => 'allow';
  readonly asked: string[][] = [];
  /** The devices that were named in what was asked last. */
  named: unknown;

  /** What the user chooses of screens. */
  choosesScreen: () => StandInStream | Promise<StandInStream> = () => this.#openAll(['video', 'audio']);

  /** Takes the place of the platform's devices and WebRTC, by what puts a global in place. */
  install(put: (name: string, value: unknown) => unknown): void {
    StandInPeer.made = [];
    StandInPeer.statsOfSenders = [];
    put('RTCPeerConnection', StandInPeer);
    put('MediaStream', StandInStream);
    const getDisplayMedia = async () => this.choosesScreen();
    put('navigator', { mediaDevices: { getUserMedia: (wish: object) => this.#ask(wish), getDisplayMedia } });
  }

  get live(): StandInTrack[] {
    return this.opened.filter(({ stopped }) => !stopped);
  }

  /** Allows the oldest open question, or refuses it with the name of an error. */
  settle(how: string | 'allow'): void {
    const question = this.open.shift();
    if (how === 'allow') question?.answer(this.#openAll(question.kinds));
    else question?.refuse(how);
  }

  #openAll(kinds: string[]): StandInStream {
    const tracks = kinds.map((kind) => new StandInTrack(kind));
    this.opened.push(...tracks);
    return new StandInStream(tracks);
  }

  #ask(wish: object): Promise<StandInStream> {
    const kinds = Object.keys(wish);
    this.named = wish;
    this.asked.push(kinds);
    const asking = new Promise<StandInStream>((answer, reject) => {
      this.open.push({ kinds, answer, refuse: (name) => reject(Object.assign(new Error(name), { name })) });
    });
    const how = this.answer?.(kinds);
    if (how) this.settle(how);
    return asking;
  }
}
