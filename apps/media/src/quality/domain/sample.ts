import type { DeviceId, SessionId, Stream, StreamKind, UserAlias } from '@communication-center/contracts';
import type { QualityFrame, SampledStream } from '@communication-center/contracts/quality';
import type { MediaFailure } from './never-flowed.js';

/** One stream in a sample, and whose it is. */
export interface KeptStream extends Omit<SampledStream, 'screen'> {
  from: UserAlias;
  kind: StreamKind;
}

/** What Janus says of a device that sends. */
export interface JanusView {
  up: boolean;
  receiving: ('audio' | 'video')[];
  slowUp: number;
  slowDown: number;
}

/** What is kept of a sample, beside whose it is and when it was taken. */
export interface Measured extends Omit<QualityFrame, 'type' | 'streams'> {
  streams: KeptStream[];
  janus: JanusView;
  /** Set instead of a measurement: nothing ever came through. */
  failed?: MediaFailure;
}

/** A sample as it is kept. */
export interface Sample {
  userAlias: UserAlias;
  deviceId: DeviceId;
  /** The media socket it came over: counters go on within one. */
  sessionId: SessionId;
  at: Date;
  measured: Measured;
}

/**
 * @param told are the streams that the device was told of, by their ids.
 * @returns what is kept of what a device says; of streams that it was not told of, nothing: who sends a stream is not its to say.
 */
export function measuredOf(
  { type: _, streams, ...connection }: QualityFrame,
  userAlias: UserAlias,
  told: ReadonlyMap<string, Pick<Stream, 'userAlias' | 'kind'>>,
  janus: JanusView,
): Measured {
  const kept = streams.flatMap(({ screen, ...stream }): KeptStream[] => {
    if (stream.way === 'sent') {
      const { streamId: _own, ...sent } = stream;
      return [{ ...sent, from: userAlias, kind: screen ? 'screen' : 'camera' }];
    }
    const sender = told.get(stream.streamId ?? '');
    return sender ? [{ ...stream, from: sender.userAlias, kind: sender.kind }] : [];
  });
  return { ...connection, streams: kept, janus };
}
