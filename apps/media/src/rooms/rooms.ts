import { createHmac } from 'node:crypto';
import { type AppId, type CallId, callIdSchema, callLimits } from '@communication-center/contracts';
import { Postgres, ProblemError, Settings } from '@communication-center/service';
import { Inject, Injectable } from '@nestjs/common';
import type { Publisher, VideoRoomHandle } from 'janode/plugins/videoroom';
import { type JanusNode, roomErrorCode } from '../janus/janus-node.js';
import { JanusNodes } from '../janus/janus-nodes.js';
import type { MediaSettings } from '../settings.js';

/** How often, in seconds, whoever sends a picture in a room is asked for a key frame. */
export const keyFrameSeconds = 10;
const roomExists = 427;
const noSuchRoom = 426;
const wrongKey = 433;

/** Who speaks is said by Janus: louder than a quiet room (in dB below the loudest, RFC 6464), over so many packets of 20 ms. */
const talking = { talking_events: true, talking_level_threshold: 50, talking_packets_threshold: 15 };

/** Where a call's media are carried. */
export interface Room {
  callId: CallId;
  /** The name of the media node. */
  node: string;
  /** How many nodes have carried it, this one with them. */
  generation: number;
  secret: string;
  pin: string;
}

/** A room that Janus has; `made` says whether it was made for that, or was there. */
interface InJanus {
  room: Room;
  /** Whether the call was carried there once: others may be in it still. */
  isPlaced: boolean;
  node: JanusNode;
  made: Promise<boolean>;
}

interface RoomRow extends Omit<Room, 'callId'> {
  call_id: CallId;
  closed_at: Date | null;
}

/** The row that is there, or that is made: of two at once one makes it, and the other finds nothing until it asks again. */
const placing = `
  WITH made AS (
    INSERT INTO rooms (call_id, app_id, node, generation, secret, pin) VALUES ($1, $2, $3, 1, $4, $5)
    ON CONFLICT (call_id) DO NOTHING RETURNING call_id, node, generation, secret, pin, closed_at)
  SELECT * FROM made UNION ALL SELECT call_id, node, generation, secret, pin, closed_at FROM rooms WHERE call_id = $1`;

/** Of two that move a call at once one does, and the other reads where to. */
const moving = `
  UPDATE rooms SET node = $2, generation = generation + 1, moved_at = clock_timestamp()
  WHERE call_id = $1 AND generation = $3 AND closed_at IS NULL
  RETURNING call_id, node, generation, secret, pin, closed_at`;

/**
 * Which node carries which call, and the rooms on it. A room is made when the first device joins, so a call that nobody answers
 * has none, neither here nor in Janus; it is destroyed at the call's end.
 */
@Injectable()
export class Rooms {
  /** Calls that somebody joined through this replica, or that a sweep found: their rooms are its to close. */
  readonly #joined = new Set<CallId>();
  /** Rooms that Janus has as far as this replica knows, or is just making: those who join at once wait for the same. */
  readonly #inJanus = new Map<CallId, InJanus>();
  /** What became of each room that was joined as likely. */
  readonly #tried = new WeakMap<Room, InJanus>();
  /** Found empty by the last sweep, by their nodes. */
  readonly #emptyLately = new Map<JanusNode, Set<string>>();

  constructor(
    private readonly database: Postgres,
    private readonly nodes: JanusNodes,
    @Inject(Settings) private readonly settings: MediaSettings,
  ) {
    nodes.onLost((lost) => {
      for (const [callId, { node }] of this.#inJanus) if (node === lost) this.#inJanus.delete(callId);
    });
  }

  /**
   * @returns where a call is carried most likely: as was known here last, or where it would be placed now. It may be joined there while
   * {@link place} is under way, which alone decides: all replicas give a room the same keys.
   * @throws ProblemError `media_unavailable` where no node is well.
   */
  async likely({ callId }: { callId: CallId }): Promise<Room> {
    const known = this.#inJanus.get(callId)?.room;
    if (known && (await this.nodes.mayStay(known.node))) return known;
    const { name: node } = await this.nodes.choose(callId);
    return { callId, node, generation: 1, secret: this.#keyOf('secret', callId), pin: this.#keyOf('pin', callId) };
  }

  /**
   * @param likely of {@link likely}: where it is placed if it was not.
   * @returns where a call is carried, deciding so for the first that asks, and anew where its node is not well or is being drained.
   * @throws ProblemError `room_closed` when it has ended, `media_unavailable` where no node is well.
   */
  async place({ appId, callId }: { appId: AppId; callId: CallId }, likely: Room): Promise<Room> {
    const chosen = this.nodeOf(likely);
    const values = [callId, appId, chosen.name, likely.secret, likely.pin];
    const found = await this.database.query<RoomRow>(placing, values);
    let row = found.rows[0] ?? (await this.database.query<RoomRow>(placing, values)).rows[0];
    if (row && !row.closed_at && row.node !== chosen.name && !(await this.nodes.mayStay(row.node))) {
      const moved = await this.database.query<RoomRow>(moving, [callId, chosen.name, row.generation]);
      row = moved.rows[0] ?? (await this.database.query<RoomRow>(placing, values)).rows[0];
    }
    if (!row || row.closed_at) throw new ProblemError('room_closed');
    if (row.node === chosen.name && !this.#joined.has(callId)) chosen.placed();
    this.#joined.add(callId);
    const { call_id, closed_at: _, ...placed } = row;
    return { callId: call_id, ...placed };
  }

  /** A room that was joined as likely is where its call is carried. */
  keep(likely: Room, room: Room): void {
    const tried = this.#tried.get(likely);
    if (tried) Object.assign(tried, { room, isPlaced: true });
  }

  /** Nobody is to be in a room that was joined where its call is not: what was made for that in Janus goes. What Janus does not take is swept. */
  async giveBack(likely: Room): Promise<void> {
    const tried = this.#tried.get(likely);
    if (!tried) return;
    const { callId: call_id, secret } = likely;
    if (this.#inJanus.get(call_id) === tried) this.#inJanus.delete(call_id);
    const wasMade = await tried.made.catch(() => false);
    if (wasMade && !tried.isPlaced) await this.#destroyOn(tried.node, [{ call_id, secret }]).catch(() => undefined);
  }

  /** @returns the node that carries a call. @throws ProblemError `media_unavailable` where it is none of those that are known here. */
  nodeOf({ node }: Pick<Room, 'node'>): JanusNode {
    const found = this.nodes.named(node);
    if (!found) throw new ProblemError('media_unavailable');
    return found;
  }

  /** Whether somebody joined a call through this replica, or a sweep found its room, and it is not closed since. */
  wasJoined(callId: CallId): boolean {
    return this.#joined.has(callId);
  }

  /** Joins a room to publish, once Janus has it: it may be the first join, or Janus may have been restarted. */
  async join(
    handle: VideoRoomHandle,
    room: Room,
    who: { feed: string; display: string },
  ): Promise<{ publishers: Publisher[]; private_id: number }> {
    const join = () => this.nodeOf(room).ask(handle.joinPublisher({ room: room.callId, pin: room.pin, ...who }));
    await this.#ensureInJanus(handle, room);
    try {
      return await join();
    } catch (error) {
      if (roomErrorCode(error) !== noSuchRoom) throw error;
      // Somebody's sweep found it empty just before.
      this.#inJanus.delete(room.callId);
      await this.#ensureInJanus(handle, room);
      return join();
    }
  }

  /** Closes the rooms of calls that have ended. Nobody joins them any more; who is still in them is put out. */
  async close(callIds: readonly CallId[]): Promise<void> {
    const { rows } = await this.database.query<RoomRow>(
      'UPDATE rooms SET closed_at = clock_timestamp() WHERE call_id = ANY($1::uuid[]) AND closed_at IS NULL RETURNING call_id, node, secret',
      [callIds],
    );
    for (const callId of callIds) {
      this.#joined.delete(callId);
      this.#inJanus.delete(callId);
    }
    await this.#destroy(rows);
  }

  /** Closes a room that was made after its call's end was heard. */
  async discard(room: Room): Promise<void> {
    await this.close([room.callId]);
    await this.#destroyOn(this.nodeOf(room), [{ call_id: room.callId, secret: room.secret }]);
  }

  /**
   * Destroys rooms in Janus whose call has ended without this service doing so in time, and those that two sweeps in turn found
   * empty, since a replica that died leaves some behind: whoever joins one after all has it made again.
   */
  async sweep(): Promise<void> {
    for (const node of this.nodes.all) if (node.isWell) await this.#sweep(node);
  }

  async #sweep(node: JanusNode): Promise<void> {
    const list = await node.list();
    const rooms = list.filter(({ room }) => callIdSchema.safeParse(room).success);
    const empty = rooms.filter((one) => one.num_participants === 0).map(({ room }) => room);
    const leftBehind = empty.filter((room) => this.#emptyLately.get(node)?.has(room));
    this.#emptyLately.set(node, new Set(empty));
    // Whoever had them made may be dead by now: whichever replica hears of a call's end closes its room.
    for (const { room } of rooms) this.#joined.add(room as CallId);
    if (rooms.length === 0) return;
    const { rows } = await this.database.query<Pick<RoomRow, 'call_id' | 'secret'>>(
      `SELECT call_id, secret FROM rooms WHERE call_id = ANY($1::uuid[])
         AND (closed_at IS NOT NULL OR call_id = ANY($2::uuid[]))`,
      [rooms.map(({ room }) => room), leftBehind],
    );
    // Whoever had them made died before they were placed.
    const placed = new Set<string>(rows.map(({ call_id }) => call_id));
    for (const room of leftBehind as CallId[]) if (!placed.has(room)) rows.push({ call_id: room, secret: this.#keyOf('secret', room) });
    for (const { call_id } of rows) {
      if (this.#inJanus.get(call_id)?.node === node) this.#inJanus.delete(call_id);
      if (!this.#inJanus.has(call_id)) this.#joined.delete(call_id);
    }
    await this.#destroyOn(node, rows);
  }

  #ensureInJanus(handle: VideoRoomHandle, room: Room): Promise<boolean> {
    const node = this.nodeOf(room);
    const known = this.#inJanus.get(room.callId);
    if (known && isSameRoom(known.room, room)) {
      this.#tried.set(room, known);
      return known.made;
    }
    const making = { room, isPlaced: false, node, made: this.#make(node, handle, room) };
    this.#tried.set(room, making);
    this.#inJanus.set(room.callId, making);
    making.made.catch(() => {
      if (this.#inJanus.get(room.callId) === making) this.#inJanus.delete(room.callId);
    });
    return making.made;
  }

  /** @returns whether it was made, and not there. */
  async #make(node: JanusNode, handle: VideoRoomHandle, { callId, secret: roomSecret, pin }: Room): Promise<boolean> {
    const made = handle.create({
      room: callId,
      secret: roomSecret,
      pin,
      admin_key: this.settings.JANUS_ADMIN_KEY,
      is_private: true,
      permanent: false,
      // Who is back on a new socket may be there twice for a moment.
      max_publishers: 2 * callLimits.maxParticipants.max,
      require_pvtid: true,
      fir_freq: keyFrameSeconds,
      ...talking,
    });
    return node.ask(made).then(
      () => true,
      (error: unknown) => {
        if (roomErrorCode(error) !== roomExists) throw error;
        return false;
      },
    );
  }

  /** @returns what only replicas of this service, and Janus, can work out. */
  #keyOf(which: 'secret' | 'pin', callId: CallId): string {
    return createHmac('sha256', this.settings.JANUS_ADMIN_KEY).update(`${which} of the room of ${callId}`).digest('base64url');
  }

  async #destroy(rooms: readonly Pick<RoomRow, 'call_id' | 'node' | 'secret'>[]): Promise<void> {
    for (const node of this.nodes.all) {
      const there = rooms.filter(({ node: name }) => name === node.name);
      if (there.length > 0) await this.#destroyOn(node, there);
    }
  }

  async #destroyOn(node: JanusNode, rooms: readonly Pick<RoomRow, 'call_id' | 'secret'>[]): Promise<void> {
    if (rooms.length === 0) return;
    const handle = await node.attach();
    try {
      for (const { call_id: room, secret: roomSecret } of rooms) {
        await node.ask(handle.destroy({ room, secret: roomSecret })).catch((error: unknown) => {
          // A room of somebody else's has other keys.
          if (roomErrorCode(error) !== noSuchRoom && roomErrorCode(error) !== wrongKey) throw error;
        });
      }
    } finally {
      await handle.detach().catch(() => undefined);
    }
  }
}

/** Whether two are one room in Janus, whatever is known of where it was before. */
export function isSameRoom(one: Room, other: Room): boolean {
  return one.node === other.node && one.secret === other.secret && one.pin === other.pin;
}
