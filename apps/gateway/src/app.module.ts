import { QuietCollection } from '@communication-center/service';
import { fairShare } from '@communication-center/service/fair-share';
import { Module } from '@nestjs/common';
import { Authenticator } from './authenticator.js';
import { Clients } from './clients.js';
import { CredentialEnds } from './credential-ends.js';
import { SignInFailures } from './fair-share/sign-in-failures.js';
import { SocketProxy } from './passed-sockets/socket-proxy.js';
import { AllowedOrigins } from './public-door/allowed-origins.js';
import { HeldBack } from './public-door/held-back.js';
import { PublicDoor } from './public-door/public-door.js';
import { ReverseProxy } from './public-door/reverse-proxy.js';
import { Services } from './services.js';
import { AnswerFrames } from './sockets/answer-frames.js';
import { CarryOut } from './sockets/carry-out.js';
import { CommandsTogether } from './sockets/commands-together.js';
import { ConfirmedRings } from './sockets/confirmed-rings.js';
import { DeviceSessions } from './sockets/device-sessions.js';
import { Snapshots } from './sockets/snapshots.js';
import { SocketDoor } from './sockets/socket-door.js';
import { SocketRouter } from './sockets/socket-router.js';
import { Watchers } from './sockets/watchers.js';

@Module({
  providers: [
    Services,
    Clients,
    fairShare,
    SignInFailures,
    CredentialEnds,
    Authenticator,
    AllowedOrigins,
    HeldBack,
    PublicDoor,
    ReverseProxy,
    SocketProxy,
    SocketRouter,
    SocketDoor,
    Snapshots,
    CarryOut,
    CommandsTogether,
    AnswerFrames,
    ConfirmedRings,
    DeviceSessions,
    Watchers,
    QuietCollection,
  ],
})
export class AppModule {}
