import { type Stream, streamSchema } from '@communication-center/contracts';
import type { Publisher } from 'janode/plugins/videoroom';

/** @returns the streams that Janus tells of, as their display texts describe them. */
export function streamsOf(publishers: readonly Publisher[]): Stream[] {
  return publishers.flatMap(({ feed, display }) => {
    const stream = streamSchema.safeParse({ ...described(display), streamId: feed });
    return stream.success ? [stream.data] : [];
  });
}

/** Only this service names feeds; but whoever else gets into a room is nobody here, rather than the end of others' sockets. */
function described(display: string | undefined): object {
  try {
    return display ? (JSON.parse(display) as object) : {};
  } catch {
    return {};
  }
}
