import { CenterError } from './center-error.js';
import type { JoinedFrame, LinkListener } from './link-listener.js';
import type { MediaFrame } from './link-socket.js';
import type { MediaPublisher } from './media-publisher.js';
import type { MediaReceiver } from './media-receiver.js';

/** Whom frames of the door are for: the ends of the link, who made it, and the link itself. */
interface FrameTakers {
  publisher: Pick<MediaPublisher, 'answered'>;
  receiver: Pick<MediaReceiver, 'hear' | 'forget' | 'take'>;
  listener: LinkListener;
  joined: (frame: JoinedFrame) => Promise<void>;
  moved: () => void;
  ended: (reason: string) => void;
}

/** Does what a frame of the door asks for; one of a later release asks for nothing. @throws Error as the door says, or the platform. */
export function takeFrame(frame: MediaFrame, { publisher, receiver, listener, joined, moved, ended }: FrameTakers): Promise<void> | void {
  switch (frame.type) {
    case 'joined':
      return joined(frame);
    case 'published':
      return publisher.answered(frame.sdp);
    case 'stream_added':
    case 'stream_changed':
      receiver.hear(frame.stream);
      return listener.heard(frame.stream);
    case 'stream_removed':
      receiver.forget(frame.streamId);
      return listener.removed(frame.streamId);
    case 'offer':
      return receiver.take(frame);
    case 'refused':
      return listener.refused(frame.what, CenterError.fromSocket(frame.error));
    case 'speaking':
      return listener.speaking(frame.streamIds);
    case 'error':
      throw new Error(frame.error.message);
    case 'moved':
      moved();
      return listener.moved();
    case 'closed':
      return ended(frame.reason);
    case 'pong':
    case 'unknown':
      return;
    default:
      return frame satisfies never;
  }
}
