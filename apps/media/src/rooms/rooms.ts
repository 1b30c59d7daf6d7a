import { randomBytes } from 'node:crypto';
import { type AppId, type CallId, callIdSchema, callLimits } from '@communication-center/contracts';
import { Postgres, ProblemError, Settings } from '@communication-center/service';
import { Inject, Injectable } from '@nestjs/common';
import type { VideoRoomHandle } from 'janode/plugins/videoroom';
import { JanusNode, roomErrorCode } from '../janus/janus-node.js';
import type { MediaSettings } from '../settings.js';

const roomExists = 427;
const noSuchRoom = 426;

export interface Room {
  callId: CallId;
  generation: number;
  secret: string;
  pin: string;
}

interface RoomRow {
  call_id: CallId;
  generation: number;
  secret: string;
  pin: string;
  closed_at: Date | null;
}

/** Which node carries which call, and the rooms on it: made on the first join, destroyed at the call's end. */
@Injectable()
export class Rooms {
  constructor(
    private readonly database: Postgres,
    private readonly janus: JanusNode,
    @Inject(Settings) private readonly settings: MediaSettings,
  ) {}

  /** Places a call on a node, the first time. @throws ProblemError `room_closed` when the call has ended. */
  async place(appId: AppId, callId: CallId): Promise<Room> {
    await this.database.query(
      `INSERT INTO rooms (call_id, app_id, node, generation, secret, pin) VALUES ($1, $2, $3, 1, $4, $5) ON CONFLICT (call_id) DO NOTHING`,
      [callId, appId, this.settings.MEDIA_NODE, secret(), secret()],
    );
    return this.open(callId);
  }

  /** @throws ProblemError `room_closed` for a call that has ended, or was never placed. */
  async open(callId: CallId): Promise<Room> {
    const { rows } = await this.database.query<RoomRow>('SELECT * FROM rooms WHERE call_id = $1', [callId]);
    const row = rows[0];
    if (!row || row.closed_at) throw new ProblemError('room_closed');
    return { callId: row.call_id, generation: row.generation, secret: row.secret, pin: row.pin };
  }

  /** Makes sure that Janus has the room: it may be the first join, or Janus may have been restarted. */
  async ensureInJanus(handle: VideoRoomHandle, room: Room): Promise<void> {
    const made = handle.create({
      room: room.callId,
      secret: room.secret,
      pin: room.pin,
      admin_key: this.settings.JANUS_ADMIN_KEY,
      is_private: true,
      permanent: false,
      // Everyone may publish a camera and a screen.
      max_publishers: 2 * callLimits.maxParticipants.max,
      require_pvtid: true,
      fir_freq: 10,
    });
    await this.janus.ask(made).catch((error: unknown) => {
      if (roomErrorCode(error) !== roomExists) throw error;
    });
  }

  /** Closes the rooms of calls that have ended. Nobody joins them any more; who is still in them is put out. */
  async close(appId: AppId, callIds: readonly CallId[]): Promise<void> {
    const { rows } = await this.database.query<RoomRow>(
      `INSERT INTO rooms (call_id, app_id, node, generation, secret, pin, closed_at)
       SELECT call_id, $2, $3, 1, '', '', clock_timestamp() FROM unnest($1::uuid[]) AS call_id
       ON CONFLICT (call_id) DO UPDATE SET closed_at = coalesce(rooms.closed_at, excluded.closed_at)
       RETURNING *`,
      [callIds, appId, this.settings.MEDIA_NODE],
    );
    const used = rows.filter((row) => row.secret !== '');
    if (used.length > 0) await this.#destroy(used.map(({ call_id, secret: roomSecret }) => ({ room: call_id, secret: roomSecret })));
  }

  /** Destroys rooms in Janus whose call has ended without this service hearing of it in time. */
  async sweep(): Promise<void> {
    const handle = await this.janus.attach();
    try {
      const { list } = await this.janus.ask(handle.list({ admin_key: this.settings.JANUS_ADMIN_KEY }));
      const { rows } = await this.database.query<RoomRow>('SELECT * FROM rooms WHERE call_id = ANY($1::uuid[]) AND closed_at IS NOT NULL', [
        list.map(({ room }) => callIdSchema.safeParse(room).data).filter((callId) => callId !== undefined),
      ]);
      await this.#destroy(rows.map((row) => ({ room: row.call_id, secret: row.secret })));
    } finally {
      await handle.detach().catch(() => undefined);
    }
  }

  async #destroy(rooms: readonly { room: string; secret: string }[]): Promise<void> {
    if (rooms.length === 0) return;
    const handle = await this.janus.attach();
    try {
      for (const room of rooms) {
        await this.janus.ask(handle.destroy(room)).catch((error: unknown) => {
          if (roomErrorCode(error) !== noSuchRoom) throw error;
        });
      }
    } finally {
      await handle.detach().catch(() => undefined);
    }
  }
}

function secret(): string {
  return randomBytes(24).toString('base64url');
}
