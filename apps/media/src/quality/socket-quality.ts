import type { MediaGrant } from '@communication-center/contracts/media-grant';
import type { QualityFrame } from '@communication-center/contracts/quality';
import { FrameBudget } from '@communication-center/service';
import Janode, { type Handle } from 'janode';
import type { OthersStreams } from '../media-sockets/others-streams.js';
import type { MediaFailure } from './domain/never-flowed.js';
import { type JanusView, type Measured, measuredOf } from './domain/sample.js';
import { FlowWatch, type TriedFlows } from './flow-watch.js';

/** A device measures each few seconds; one that has other ideas is heard once a second, and a few times at once. */
const samplesPerSecond = 1;
const samplesAtOnce = 3;

/** Janus says so of one that missed many packets in a second. */
interface SlowLink {
  /** Whether it is what Janus sends that does not arrive. */
  uplink?: boolean;
  lost?: number;
}

export interface SocketQualityOptions {
  grant: MediaGrant;
  publisher: Handle;
  others: OthersStreams;
  tried: TriedFlows;
  /** Whether the device says that it sends anything. */
  sends: () => boolean;
  /** Whether device and Janus are heard of. */
  isThere: () => boolean;
  keep: (measured: Measured) => void;
  /** Nothing ever came through of what the device says that it sends. */
  onFailed: (failure: MediaFailure) => void;
}

/** What one media socket says of how its media goes, beside what Janus tells of the same connections by itself: nothing is asked of it. */
export class SocketQuality {
  readonly #options: SocketQualityOptions;
  /** Whether anything ever comes of the device. */
  readonly flow: FlowWatch;
  readonly #budget = new FrameBudget(samplesAtOnce, samplesPerSecond, Date.now());
  readonly #receiving = new Set<'audio' | 'video'>();
  #up = false;
  #slowUp = 0;
  #slowDown = 0;
  #subscriber: Handle | undefined;

  constructor(options: SocketQualityOptions) {
    this.#options = options;
    const onFailed = (failed: MediaFailure) => {
      options.keep({ streams: [], janus: this.#view, failed });
      // Whoever only listens is no worse off for what it does not send.
      if (options.sends()) options.onFailed(failed);
    };
    this.flow = new FlowWatch({ ...options, onFailed });
    const { HANDLE_WEBRTCUP, HANDLE_HANGUP, HANDLE_MEDIA, HANDLE_SLOWLINK } = Janode.EVENT;
    const { publisher } = options;
    publisher.on(HANDLE_WEBRTCUP, () => {
      this.#up = true;
    });
    publisher.on(HANDLE_HANGUP, () => {
      this.#up = false;
    });
    publisher.on(HANDLE_MEDIA, ({ type, receiving }: { type?: string; receiving?: boolean }) => {
      if (type !== 'audio' && type !== 'video') return;
      if (receiving) this.#receiving.add(type);
      else this.#receiving.delete(type);
    });
    publisher.on(HANDLE_SLOWLINK, ({ uplink, lost = 0 }: SlowLink) => {
      if (!uplink) this.#slowUp += lost;
    });
  }

  /** Has kept what the device says, but for what comes too often: nobody waits for it. @param subscriber receives for it, once there is something to. */
  take(frame: QualityFrame, subscriber: Handle | undefined): void {
    if (!this.#budget.take(Date.now())) return;
    this.#follow(subscriber);
    const { grant, others, keep } = this.#options;
    keep(measuredOf(frame, grant.userAlias, others.byId, this.#view));
  }

  get #view(): JanusView {
    return { up: this.#up, receiving: [...this.#receiving].sort(), slowUp: this.#slowUp, slowDown: this.#slowDown };
  }

  #follow(subscriber: Handle | undefined): void {
    if (!subscriber || subscriber === this.#subscriber) return;
    this.#subscriber = subscriber;
    subscriber.on(Janode.EVENT.HANDLE_SLOWLINK, ({ uplink, lost = 0 }: SlowLink) => {
      if (uplink) this.#slowDown += lost;
    });
  }
}
