import Hls from 'hls.js';

/** Behind the newest, in seconds: two segments, so that one that comes late is no gap. */
const behindSeconds = 2.2;
/** Where it has fallen behind further, it goes on at the newest. */
const mostBehindSeconds = 8;
/** Something broke for good is begun anew after so long, in milliseconds. */
const againMs = 1500;

/** Plays a broadcast, and begins anew where something breaks. */
export class Player {
  #hls: Hls | undefined;
  #isOver = false;

  constructor(
    private readonly video: HTMLVideoElement,
    private readonly playlist: string,
  ) {
    this.#begin();
  }

  /** When what is shown was composed, in milliseconds since 1970 by the service's clock. */
  get shownAt(): number | undefined {
    if (this.#hls) return this.#hls.playingDate?.getTime();
    const begin = (this.video as { getStartDate?: () => Date }).getStartDate?.().getTime();
    return begin === undefined || Number.isNaN(begin) ? undefined : begin + this.video.currentTime * 1000;
  }

  /** Nothing more comes: what there is is played to its end. */
  finish(): void {
    this.#isOver = true;
  }

  #begin(): void {
    if (this.#isOver) return;
    if (!Hls.isSupported()) {
      // Where the platform plays HLS itself, as on iPhones.
      this.video.src = this.playlist;
      void this.#play();
      return;
    }
    const hls = new Hls({
      // A worker would be made of a text, which the page's policy does not allow.
      enableWorker: false,
      liveSyncDuration: behindSeconds,
      liveMaxLatencyDuration: mostBehindSeconds,
      maxLiveSyncPlaybackRate: 1.1,
      backBufferLength: 10,
    });
    this.#hls = hls;
    hls.on(Hls.Events.ERROR, (_, { fatal, type }) => {
      if (!fatal || this.#hls !== hls) return;
      if (type === Hls.ErrorTypes.MEDIA_ERROR) return hls.recoverMediaError();
      hls.destroy();
      this.#hls = undefined;
      setTimeout(() => this.#begin(), againMs * (0.75 + Math.random() / 2));
    });
    hls.on(Hls.Events.MANIFEST_PARSED, () => void this.#play());
    hls.loadSource(this.playlist);
    hls.attachMedia(this.video);
  }

  /** Browsers play sound of a page that nobody has touched yet only where they know it well. */
  async #play(): Promise<void> {
    try {
      await this.video.play();
    } catch {
      this.video.muted = true;
      await this.video.play().catch(() => undefined);
    }
  }
}
