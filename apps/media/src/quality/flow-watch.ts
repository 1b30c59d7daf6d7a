import type { MediaGrant } from '@communication-center/contracts/media-grant';
import Janode, { type Handle } from 'janode';
import { failureOf, type MediaFailure, type Seen } from './domain/never-flowed.js';

/** Whoever comes back on another socket has so long at least, in milliseconds. */
const leastMs = 5000;
/** It is looked so often in the time that a device has: what is switched on late is not taken for missing. */
const looks = 8;
/** Devices whose trying is remembered between their sockets; some 3 MB. */
const mostRemembered = 20_000;

/** For how long devices whose media never came through have tried, over all of their sockets here. */
export class TriedFlows {
  readonly #triedMs = new Map<string, number>();

  /** @param flowMs after so long of trying a device has failed. */
  constructor(readonly flowMs: number) {}

  triedMs(device: string): number {
    return this.#triedMs.get(device) ?? 0;
  }

  note(device: string, ms: number): void {
    this.#triedMs.delete(device);
    this.#triedMs.set(device, ms);
    if (this.#triedMs.size > mostRemembered) for (const oldest of this.#triedMs.keys()) if (this.#triedMs.delete(oldest)) break;
  }

  forget(device: string): void {
    this.#triedMs.delete(device);
  }
}

export interface FlowWatchOptions {
  tried: TriedFlows;
  grant: Pick<MediaGrant, 'callId' | 'userAlias' | 'deviceId'>;
  publisher: Handle;
  /** Whether the device says that it sends anything. */
  sends: () => boolean;
  /** Whether device and Janus are heard of: while either is away, nothing is to come. */
  isThere: () => boolean;
  onFailed: (failure: MediaFailure) => void;
}

/**
 * Watches whether anything ever comes of a device that publishes: from its first offer on, over all of its sockets in a call, since one that
 * cannot get through begins anew every few seconds. What came through once and breaks is no failure: that has a grace of its own.
 */
export class FlowWatch {
  readonly #options: FlowWatchOptions;
  readonly #device: string;
  readonly #seen: Omit<Seen, 'sends'> = { named: false, up: false, received: false, hangUp: undefined };
  /** For how long nothing has come, at one look after the other. */
  #waitedMs = 0;
  #enoughMs: number;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: FlowWatchOptions) {
    this.#options = options;
    const { callId, userAlias, deviceId } = options.grant;
    this.#device = `${callId} ${deviceId} ${userAlias}`;
    this.#enoughMs = options.tried.flowMs;
    const { HANDLE_WEBRTCUP, HANDLE_HANGUP, HANDLE_MEDIA } = Janode.EVENT;
    options.publisher.on(HANDLE_WEBRTCUP, () => {
      this.#gotFurther();
    });
    options.publisher.on(HANDLE_HANGUP, ({ reason }: { reason?: string }) => {
      this.#seen.hangUp = reason;
    });
    options.publisher.on(HANDLE_MEDIA, ({ receiving }: { receiving?: boolean }) => {
      if (receiving) this.#flows();
    });
  }

  /** The device has the answer to an offer. */
  begin(): void {
    if (this.#timer !== undefined || this.#seen.received) return;
    const { flowMs } = this.#options.tried;
    this.#enoughMs = Math.max(leastMs, flowMs - this.#options.tried.triedMs(this.#device));
    this.#timer = setInterval(() => this.#look(flowMs / looks), flowMs / looks).unref();
  }

  /** The device named a candidate. */
  named(): void {
    this.#seen.named = true;
  }

  /** Its socket has closed. */
  stop(): void {
    clearInterval(this.#timer);
    const { tried } = this.#options;
    if (this.#waitedMs > 0 && !this.#seen.received) tried.note(this.#device, tried.triedMs(this.#device) + this.#waitedMs);
    this.#waitedMs = 0;
  }

  /** It is slow, and it comes on: what is still to come has the whole time again. */
  #gotFurther(): void {
    if (this.#seen.up) return;
    this.#seen.up = true;
    this.#waitedMs = 0;
    this.#enoughMs = this.#options.tried.flowMs;
    this.#options.tried.forget(this.#device);
  }

  #flows(): void {
    clearInterval(this.#timer);
    this.#seen.received = true;
    this.#options.tried.forget(this.#device);
  }

  #look(sinceMs: number): void {
    if (!this.#options.isThere()) return;
    const failure = failureOf({ ...this.#seen, sends: this.#options.sends() });
    // Where nothing is to come yet, as of a device whose camera and microphone are off, its time begins anew.
    this.#waitedMs = failure === undefined ? 0 : this.#waitedMs + sinceMs;
    if (failure === undefined || this.#waitedMs < this.#enoughMs) return;
    clearInterval(this.#timer);
    // Where it goes on all the same, its time begins anew with its next socket.
    this.#options.tried.forget(this.#device);
    this.#waitedMs = 0;
    this.#options.onFailed(failure);
  }
}
