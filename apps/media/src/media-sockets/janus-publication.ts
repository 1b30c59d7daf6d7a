import type { Forbiddable, StreamKind } from '@communication-center/contracts';
import type { VideoRoomHandle } from 'janode/plugins/videoroom';
import type { Bans } from '../follow-calls/bans.js';
import type { JanusNode } from '../janus/janus-node.js';
import { roomErrorCode } from '../janus/janus-node.js';
import type { Room } from '../rooms/rooms.js';
import { ofScreen } from './streams-of.js';

const noSuchStream = 428;

/** A section of what is sent, by the name that Janus has for it. */
interface Section {
  mid: string;
  media: Forbiddable;
  kind: StreamKind;
}

/**
 * What one device sends: its feed in the room of its call. Of what a moderator forbade Janus takes no packet in, whatever the
 * device does: a device gets the answer to its offer, without which it cannot send, only when that is so.
 */
export class JanusPublication {
  #sections: Section[] = [];
  readonly #muted = new Set<string>();
  /** Pictures for which the call has no room. */
  #withheld: ReadonlySet<StreamKind> = new Set();
  #isPublished = false;

  constructor(
    private readonly janus: Pick<JanusNode, 'ask'>,
    readonly handle: VideoRoomHandle,
    private readonly room: Pick<Room, 'callId' | 'secret'>,
    readonly bans: Bans,
  ) {}

  /** @returns by what name others are told of it; undefined before the room was joined. */
  get feed(): string | undefined {
    return 'feed' in this.handle ? String(this.handle.feed) : undefined;
  }

  /**
   * Publishes, or negotiates anew over the same connection.
   * @param screen are the sections of the offer that carry a screen.
   * @returns the answer to the offer, where there is one.
   */
  async publish(sdp: string, display: string, screen: readonly string[] = []): Promise<string | undefined> {
    const what = { jsep: { type: 'offer' as const, sdp }, descriptions: screen.map((mid) => ({ mid, description: ofScreen })) };
    const { handle } = this;
    const answer = await this.janus.ask(this.#isPublished ? handle.configure(what) : handle.publish({ ...what, display }));
    this.#isPublished = true;
    if (!answer.jsep) return undefined;
    this.#sections = sectionsIn(answer.jsep.sdp, screen);
    // A section that was negotiated anew may be another one.
    await this.#carryOut(() => true);
    return answer.jsep.sdp;
  }

  /** Tells the others what is different with it; before it is published, there is nothing to tell of. */
  async tell(display: string): Promise<void> {
    if (this.#isPublished) await this.janus.ask(this.handle.configure({ display }));
  }

  /** Has Janus take in no pictures of these kinds, and all others. */
  async withhold(kinds: ReadonlySet<StreamKind>): Promise<void> {
    this.#withheld = new Set(kinds);
    await this.obey();
  }

  /** Has Janus do what the bans say by now. */
  async obey(): Promise<void> {
    await this.#carryOut(({ mid }) => !this.#muted.has(mid));
  }

  async #carryOut(isToMute: (section: Section) => boolean): Promise<void> {
    const { forbidden } = this.bans;
    let isSeenAgain = false;
    for (const section of this.#sections) {
      const { mid, media } = section;
      if (forbidden.has(media) || (media === 'video' && this.#withheld.has(section.kind))) {
        if (isToMute(section)) await this.#moderate(mid, true);
        this.#muted.add(mid);
      } else if (this.#muted.delete(mid)) {
        await this.#moderate(mid, false);
        isSeenAgain ||= media === 'video';
      }
    }
    // Those who watch would see nothing until a key frame came by itself, some two seconds later.
    if (isSeenAgain) await this.janus.ask(this.handle.configure({ keyframe: true }));
  }

  async #moderate(mid: string, mute: boolean): Promise<void> {
    const { callId: room, secret } = this.room;
    const asked = this.handle.message({ request: 'moderate', room, secret, id: this.feed, mid, mute });
    await this.janus.ask(asked).catch((error: unknown) => {
      // What was refused in the negotiation is not there to be muted.
      if (roomErrorCode(error) !== noSuchStream) throw error;
    });
  }
}

/** @returns what carries sound or picture, by Janus' own description of it (RFC 8866 §5.14, RFC 5888 §4). */
function sectionsIn(sdp: string, screen: readonly string[]): Section[] {
  return sdp.split(/^m=/m).flatMap((section) => {
    const media = /^(audio|video) /.exec(section)?.[1] as Forbiddable | undefined;
    const mid = /^a=mid:(\S+)/m.exec(section)?.[1];
    const kind = mid !== undefined && screen.includes(mid) ? 'screen' : 'camera';
    return media && mid !== undefined ? [{ mid, media, kind }] : [];
  });
}
