import { type MediaClientFrame, mediaClientFrameSchema } from '@communication-center/contracts';
import { bytesOf, FrameBudget, ProblemError, readFrame } from '@communication-center/service';
import type { RawData } from 'ws';
import type { MediaSettings } from '../settings.js';

const maxFrameBytes = 131_072;
/** Far more than a negotiation with all its candidates needs at once. */
const maxWaitingFrames = 200;
/** Of all that wait; the largest offer is half of it. */
const maxWaitingBytes = 262_144;
/** Nobody has signed in yet: a join frame with the longest token is an eighth of it. */
const maxJoinBytes = 32_768;

type Read = { frame: MediaClientFrame; bytes: number; problem?: never } | { problem: ProblemError; frame?: never; bytes?: never };

/** Takes in what a device sends on one media socket, within bounds: how large, how often, and how much of it waits. */
export class FrameIntake {
  readonly #budget: FrameBudget;
  #frames = 0;
  #bytes = 0;

  /** @param now in milliseconds. */
  constructor(settings: Pick<MediaSettings, 'FRAME_BURST' | 'FRAMES_PER_SECOND'>, now: number) {
    this.#budget = new FrameBudget(settings.FRAME_BURST, settings.FRAMES_PER_SECOND, now);
  }

  /** @returns the frame and how large it is, or what is wrong with it: `frame_too_large`, `rate_limited`, `malformed_frame`, `invalid_request`. */
  read(data: RawData, isBinary: boolean, { hasJoined, now }: { hasJoined: boolean; now: number }): Read {
    const bytes = bytesOf(data);
    const most = hasJoined ? maxFrameBytes : maxJoinBytes;
    if (bytes.length > most) return { problem: new ProblemError('frame_too_large', `send at most ${most} bytes`) };
    if (!this.#budget.take(now)) return { problem: new ProblemError('rate_limited', 'Too many frames: slow down') };
    if (isBinary) return { problem: new ProblemError('malformed_frame', 'Send text frames of JSON') };
    const { frame, problem } = readFrame(mediaClientFrameSchema, bytes);
    return problem ? { problem } : { frame, bytes: bytes.length };
  }

  /** A frame waits for its turn. @returns what says that it had it; undefined where too much waits already. */
  hold(bytes: number): (() => void) | undefined {
    if (this.#frames >= maxWaitingFrames || this.#bytes + bytes > maxWaitingBytes) return undefined;
    this.#frames += 1;
    this.#bytes += bytes;
    return () => {
      this.#frames -= 1;
      this.#bytes -= bytes;
    };
  }
}
