import { purgeRows } from '@communication-center/service';
import { Module } from '@nestjs/common';
import { CredentialsController } from './credentials/credentials.controller.js';
import { MediaTokens } from './credentials/media-tokens.js';
import { Departures } from './departures/departures.js';
import { NoteDepartures } from './departures/note-departures.reaction.js';
import { PutOutWhoLeft } from './departures/put-out-who-left.js';
import { JanusNode } from './janus/janus-node.js';
import { MediaDoor } from './media-sockets/media-door.js';
import { CloseRoomsOnCallEnded } from './rooms/close-rooms-on-call-ended.reaction.js';
import { Rooms } from './rooms/rooms.js';
import { SweepRooms } from './rooms/sweep-rooms.js';

const daySeconds = 86_400;

/** Tokens are long expired by then. */
const oldRows = () => [
  { table: 'departures', by: 'noted_at', keepSeconds: daySeconds },
  { table: 'rooms', by: 'closed_at', keepSeconds: daySeconds, only: 'closed_at IS NOT NULL' },
];

@Module({
  controllers: [CredentialsController, CloseRoomsOnCallEnded, NoteDepartures],
  providers: [JanusNode, Rooms, SweepRooms, MediaTokens, MediaDoor, Departures, PutOutWhoLeft, purgeRows(oldRows)],
})
export class AppModule {}
