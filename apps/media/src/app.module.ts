import { Module } from '@nestjs/common';
import { CredentialsController } from './credentials/credentials.controller.js';
import { MediaTokens } from './credentials/media-tokens.js';
import { JanusNode } from './janus/janus-node.js';
import { MediaDoor } from './media-sockets/media-door.js';
import { CloseRoomsOnCallEnded } from './rooms/close-rooms-on-call-ended.reaction.js';
import { Rooms } from './rooms/rooms.js';
import { SweepRooms } from './rooms/sweep-rooms.js';

@Module({
  controllers: [CredentialsController, CloseRoomsOnCallEnded],
  providers: [JanusNode, Rooms, SweepRooms, MediaTokens, MediaDoor],
})
export class AppModule {}
