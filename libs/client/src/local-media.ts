import { Emitter } from './emitter.js';

export type MediaKind = 'audio' | 'video';
/** What this device is to send, whether it can or not. */
export type Wishes = Record<MediaKind, boolean>;
/** Which camera and microphone are wished for, each a `deviceId` of the platform; and how they are. */
export interface WishedDevices extends Partial<Record<MediaKind, string | undefined>> {
  /** Whether the platform takes noise of the surroundings out of what the microphone hears, where it can (`noiseSuppression` of Media Capture and Streams): so unless told otherwise. */
  noiseSuppression?: boolean | undefined;
}
/** Why a camera or microphone cannot be used: refused by the user or the platform, not there, held by something else, or else. */
export type DeviceProblem = 'denied' | 'missing' | 'in_use' | 'failed';

/** How it stands with the camera or the microphone of this device. */
export interface DeviceSending {
  /** Whether it is to be sent. */
  wished: boolean;
  /** `on`: a live track is sent; `asking`: the platform asks the user; `failed`: `problem` says why. */
  state: 'off' | 'asking' | 'on' | 'failed';
  problem?: DeviceProblem;
  /** The platform's own word for the problem. */
  error?: Error;
}

type LocalMediaEvents = {
  /** Something about {@link LocalMedia.sending} is different. */
  changed: [];
  /** The first device is open. */
  stream: [MediaStream];
  /** From now on this track is the one to send; undefined: none. */
  track: [MediaKind, MediaStreamTrack | undefined];
  error: [Error];
};

const kinds: readonly MediaKind[] = ['audio', 'video'];

/**
 * Camera and microphone of this device. A wish holds from before a device is opened: what is not wished is not opened, and what
 * was opened for a wish that was taken back meanwhile is closed before anybody gets it.
 */
export class LocalMedia extends Emitter<LocalMediaEvents> {
  readonly #wishes: Wishes;
  readonly #allowed: Set<MediaKind>;
  readonly #tracks = new Map<MediaKind, MediaStreamTrack>();
  readonly #problems = new Map<MediaKind, Error>();
  readonly #asking = new Set<MediaKind>();
  readonly #chosen = new Map<MediaKind, string>();
  #stream: MediaStream | undefined;
  #phase: 'shut' | 'open' | 'stopped' = 'shut';

  #wishedDevices: WishedDevices;

  /** @param wishes is read, and not changed. @param options.devices are used where they are there. */
  constructor(wishes: Wishes, { video, devices = {} }: { video: boolean; devices?: WishedDevices | undefined }) {
    super();
    this.#wishedDevices = devices;
    this.#wishes = { ...wishes };
    this.#allowed = new Set(video ? kinds : ['audio']);
  }

  get stream(): MediaStream | undefined {
    return this.#stream;
  }

  /** @returns the kinds of which the call has any. */
  get kinds(): MediaKind[] {
    return [...this.#allowed];
  }

  get sending(): Record<MediaKind, DeviceSending> {
    return { audio: this.#sendingOf('audio'), video: this.#sendingOf('video') };
  }

  trackOf(kind: MediaKind): MediaStreamTrack | undefined {
    return this.#tracks.get(kind);
  }

  /** Opens what is wished, from now on. */
  open(): void {
    if (this.#phase !== 'shut') return;
    this.#phase = 'open';
    this.#openWished();
  }

  wish(kind: MediaKind, on: boolean): void {
    this.#wishes[kind] = on;
    const track = this.#tracks.get(kind);
    if (track) track.enabled = on;
    if (on) this.#problems.delete(kind);
    this.#openWished();
    this.emit('changed');
  }

  /** Tries a device once more that had a problem. */
  retry(kind: MediaKind): void {
    if (!this.#problems.delete(kind)) return;
    this.#openWished();
    this.emit('changed');
  }

  /**
   * Sends from this device of the platform (a `deviceId` of `enumerateDevices`) from now on.
   * @throws Error of the platform where it cannot be opened: what was sent before goes on.
   */
  async choose(kind: MediaKind, mediaDeviceId: string): Promise<void> {
    const before = this.#tracks.get(kind);
    const chosenBefore = this.#chosen.get(kind);
    this.#chosen.set(kind, mediaDeviceId);
    if (!before) return this.retry(kind);
    try {
      this.#exchange(kind, before, await this.#openDevices([kind]));
    } catch (error) {
      if (chosenBefore === undefined) this.#chosen.delete(kind);
      else this.#chosen.set(kind, chosenBefore);
      throw error;
    }
  }

  /**
   * Has the platform take noise out of what the microphone hears, or not, from now on: opened anew, since platforms change nothing of a
   * microphone that is open.
   * @throws Error of the platform where it cannot be opened so: what was sent before goes on.
   */
  async suppressNoise(on: boolean): Promise<void> {
    const [before, devices] = [this.#tracks.get('audio'), this.#wishedDevices];
    this.#wishedDevices = { ...devices, noiseSuppression: on };
    if (!before) return;
    try {
      this.#exchange('audio', before, await this.#openDevices(['audio']));
    } catch (error) {
      this.#wishedDevices = { ...this.#wishedDevices, noiseSuppression: devices.noiseSuppression };
      throw error;
    }
  }

  /** Sends what was opened in place of what was sent before, unless that is over. */
  #exchange(kind: MediaKind, before: MediaStreamTrack, opened: MediaStream): void {
    const [track, ...more] = opened.getTracks();
    const isStill = this.#phase === 'open' && this.#tracks.get(kind) === before;
    for (const one of [...more, ...(isStill ? [before] : []), ...(isStill || !track ? [] : [track])]) one.stop();
    if (!isStill || !track) return;
    this.#stream?.removeTrack(before);
    track.enabled = this.#wishes[kind];
    this.#keep(kind, track);
  }

  #openDevices(some: readonly MediaKind[]): Promise<MediaStream> {
    const constraint = (kind: MediaKind) => {
      // Not `ideal`: Chromium goes by what it prefers itself, then.
      const deviceId = this.#chosen.get(kind) ?? this.#wishedDevices[kind];
      const { noiseSuppression = true } = this.#wishedDevices;
      const named = deviceId !== undefined && { deviceId: { exact: deviceId } };
      return kind === 'audio' ? { ...named, noiseSuppression } : named || true;
    };
    return navigator.mediaDevices.getUserMedia(Object.fromEntries(some.map((kind) => [kind, constraint(kind)])));
  }

  /** Opens the device that is wished for, or, where it is not there, the one that the platform prefers. */
  async #openOne(kind: MediaKind): Promise<MediaStream> {
    try {
      return await this.#openDevices([kind]);
    } catch (error) {
      if (this.#chosen.has(kind) || this.#wishedDevices[kind] === undefined || !isMissing(error)) throw error;
      this.#wishedDevices = { ...this.#wishedDevices, [kind]: undefined };
      return this.#openDevices([kind]);
    }
  }

  /** The call has got video. */
  allowVideo(): void {
    this.#allowed.add('video');
    this.#openWished();
  }

  /** Closes camera and microphone at once; what is opened too late is closed then. */
  stop(): void {
    this.#phase = 'stopped';
    for (const track of this.#tracks.values()) track.stop();
    this.#tracks.clear();
  }

  #sendingOf(kind: MediaKind): DeviceSending {
    const wished = this.#wishes[kind];
    const error = this.#problems.get(kind);
    if (error) return { wished, state: 'failed', problem: problemOf(error), error };
    if (!wished || !this.#allowed.has(kind)) return { wished, state: 'off' };
    if (this.#asking.has(kind)) return { wished, state: 'asking' };
    return { wished, state: this.#tracks.has(kind) ? 'on' : 'off' };
  }

  #lacks(kind: MediaKind): boolean {
    const wanted = this.#wishes[kind] && this.#allowed.has(kind);
    return wanted && !this.#tracks.has(kind) && !this.#problems.has(kind);
  }

  #openWished(): void {
    if (this.#phase !== 'open') return;
    const lacking = kinds.filter((kind) => this.#lacks(kind) && !this.#asking.has(kind));
    if (lacking.length === 0) return;
    for (const kind of lacking) this.#asking.add(kind);
    this.emit('changed');
    void this.#ask(lacking);
  }

  /** One question for all, where that is answered; else one for each, so that one device does not take the other with it. */
  async #ask(lacking: readonly MediaKind[]): Promise<void> {
    const asked = lacking.length === 1 ? [lacking] : [lacking, ...lacking.map((kind) => [kind])];
    for (const some of asked) {
      const still = some.filter((kind) => this.#lacks(kind));
      if (still.length === 0 || this.#phase !== 'open') continue;
      try {
        const [only, ...more] = still;
        this.#take(await (only && more.length === 0 ? this.#openOne(only) : this.#openDevices(still)));
        if (still.length > 1) break;
      } catch (error) {
        if (still.length === 1) for (const kind of still) this.#fail(kind, error);
      }
    }
    for (const kind of lacking) this.#asking.delete(kind);
    // Taken back and wished again while the question was open, it is to be opened still.
    this.#openWished();
    if (this.#phase === 'open') this.emit('changed');
  }

  #take(opened: MediaStream): void {
    for (const track of opened.getTracks()) {
      const kind = kinds.find((one) => one === track.kind);
      if (kind && this.#phase === 'open' && this.#lacks(kind)) this.#keep(kind, track);
      else track.stop();
    }
  }

  #keep(kind: MediaKind, track: MediaStreamTrack): void {
    this.#tracks.set(kind, track);
    this.#asking.delete(kind);
    // A device that is unplugged, or taken away in the settings of the platform.
    track.onended = () => {
      if (this.#tracks.get(kind) !== track) return;
      this.#drop(kind, track);
      this.#fail(kind, Object.assign(new Error('The device has gone'), { name: 'NotFoundError' }));
    };
    const first = !this.#stream;
    this.#stream ??= new MediaStream();
    this.#stream.addTrack(track);
    this.emit('track', kind, track);
    if (first || kind === 'video') this.emit('stream', this.#stream);
  }

  #drop(kind: MediaKind, track: MediaStreamTrack): void {
    this.#tracks.delete(kind);
    this.#stream?.removeTrack(track);
    this.emit('track', kind, undefined);
  }

  #fail(kind: MediaKind, error: unknown): void {
    if (this.#phase !== 'open' || !this.#lacks(kind)) return;
    const problem = error instanceof Error ? error : Object.assign(new Error(String(error)), nameOf(error));
    this.#asking.delete(kind);
    this.#problems.set(kind, problem);
    this.emit('error', problem);
    this.emit('changed');
  }
}

/** A DOMException is no Error on every platform. */
function nameOf(error: unknown): { name?: string } {
  return typeof error === 'object' && error !== null && 'name' in error ? { name: String(error.name) } : {};
}

const problemsByName: Record<string, DeviceProblem> = {
  NotAllowedError: 'denied',
  SecurityError: 'denied',
  NotFoundError: 'missing',
  OverconstrainedError: 'missing',
  NotReadableError: 'in_use',
  AbortError: 'in_use',
};

function isMissing(error: unknown): boolean {
  return problemsByName[nameOf(error).name ?? ''] === 'missing';
}

function problemOf({ name }: Error): DeviceProblem {
  return problemsByName[name] ?? 'failed';
}
