import { Module } from '@nestjs/common';
import { CallCommands } from './answer-commands/call-commands.js';
import { CallsController } from './answer-commands/calls.controller.js';
import { PublishLag } from './answer-commands/publish-lag.js';
import { CallHistoryProjection } from './call-history/call-history.projection.js';
import { DeadlineSweeper } from './deadlines/deadline-sweeper.js';
import { Purge } from './deadlines/purge.js';
import { Directory } from './follow-directory/user-settings.js';
import { UserSettingsProjection } from './follow-directory/user-settings.projection.js';
import { FollowSessions } from './follow-sessions/follow-sessions.reaction.js';
import { MediaCredentialsOffice } from './media-credentials/media-credentials.js';
import { ReadCallsController } from './read-calls/read-calls.controller.js';

@Module({
  controllers: [CallsController, ReadCallsController, CallHistoryProjection, UserSettingsProjection, FollowSessions],
  providers: [CallCommands, PublishLag, Directory, MediaCredentialsOffice, DeadlineSweeper, Purge],
})
export class AppModule {}
