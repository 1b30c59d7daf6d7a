import type { Sending } from '@communication-center/contracts';
import { Emitter } from './emitter.js';

type ScreenShareEvents = {
  /** Another screen is shared, or none, or without its sound. */
  changed: [];
};

/** The screen, window or tab that the user shares, with its sound where the platform gives it. */
export class ScreenShare extends Emitter<ScreenShareEvents> {
  #stream: MediaStream | undefined;
  #stopped = false;

  /** What is shared; undefined while nothing is. */
  get stream(): MediaStream | undefined {
    return this.#stream;
  }

  /** What the others are told; undefined while nothing is shared. */
  get sending(): Sending | undefined {
    if (!this.#stream) return undefined;
    return { audio: this.trackOf('audio') ? 'on' : 'none', video: 'on' };
  }

  trackOf(kind: 'audio' | 'video'): MediaStreamTrack | undefined {
    return this.#stream?.getTracks().find((track) => track.kind === kind);
  }

  /**
   * Has the user choose what to share, in place of what is shared.
   * @param maySound whether its sound may be sent.
   * @param mayGoOn is asked once the user has chosen: the answer may come too late.
   * @throws Error of the platform: `NotAllowedError` where the user chose nothing.
   */
  async open({ maySound, mayGoOn }: { maySound: () => boolean; mayGoOn: () => boolean }): Promise<void> {
    // Platforms want it asked in the very act of the user: nothing may be awaited before.
    const opened = await navigator.mediaDevices.getDisplayMedia({ video: true, audio: maySound() });
    if (this.#stopped || !mayGoOn()) return end(opened);
    if (this.#stream) end(this.#stream);
    this.#stream = opened;
    if (!maySound()) this.#dropSound();
    for (const track of opened.getTracks()) track.onended = () => this.#ended(opened, track);
    this.emit('changed');
  }

  /** Shares nothing any more. */
  close(): void {
    const shared = this.#stream;
    if (!shared) return;
    this.#stream = undefined;
    end(shared);
    this.emit('changed');
  }

  /** Shares without the sound from now on. */
  silence(): void {
    if (this.#dropSound()) this.emit('changed');
  }

  /** As {@link close}, and whatever is chosen too late is not shared. */
  stop(): void {
    this.#stopped = true;
    this.close();
  }

  #dropSound(): boolean {
    const sound = this.trackOf('audio');
    sound?.stop();
    if (sound) this.#stream?.removeTrack(sound);
    return sound !== undefined;
  }

  /** By the platform's own button, or with the window that was shared. */
  #ended(shared: MediaStream, track: MediaStreamTrack): void {
    if (shared !== this.#stream) return;
    if (track.kind === 'video') this.close();
    else this.silence();
  }
}

function end(stream: MediaStream): void {
  for (const track of stream.getTracks()) track.stop();
}
