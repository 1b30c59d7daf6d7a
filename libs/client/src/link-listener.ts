import type { LinkSocket, MediaFrame } from './link-socket.js';
import type { ToldStream, TrackListener } from './media-receiver.js';

export type JoinedFrame = MediaFrame & { type: 'joined' };

/** What a link to media tells whoever made it. */
export interface LinkListener extends TrackListener {
  /** These streams are there. */
  joined(streams: readonly ToldStream[]): void;
  /** The door holds the connections of the link that broke: with this socket they go on, and not with those of this link. */
  resumed(socket: LinkSocket, frame: JoinedFrame): void;
  /** A stream is there, or somebody sends something else, or is quiet, or heard of again. */
  heard(stream: ToldStream): void;
  removed(streamId: string): void;
  /** The call has no room for the camera, or the screen, of this device. */
  refused(what: ToldStream['kind'], error: Error): void;
  /** In these streams somebody speaks, in no other. */
  speaking(streamIds: readonly string[]): void;
  /** Nothing comes through, or something does again. */
  quiet(isQuiet: boolean): void;
  /** It is to be replaced; what comes over it goes on until then. */
  moved(): void;
  /** Its socket is gone; what comes over it may go on. */
  broke(): void;
  lost(error: Error | undefined): void;
}
