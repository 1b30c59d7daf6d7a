import { Module } from '@nestjs/common';
import { Authenticator } from './authenticator.js';
import { Forwarder } from './public-door/forwarder.js';
import { PublicDoor } from './public-door/public-door.js';
import { Streamer } from './public-door/streamer.js';
import { Services } from './services.js';
import { CarryOut } from './sockets/carry-out.js';
import { SocketDoor } from './sockets/socket-door.js';
import { SocketRouter } from './sockets/socket-router.js';
import { Watchers } from './sockets/watchers.js';

@Module({ providers: [Services, Authenticator, Forwarder, PublicDoor, SocketRouter, SocketDoor, CarryOut, Watchers, Streamer] })
export class AppModule {}
