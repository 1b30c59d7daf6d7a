import { Module } from '@nestjs/common';
import { PresenceController } from './read-presence/presence.controller.js';
import { PresenceStore } from './read-presence/presence-store.js';
import { ForgetOldRows } from './who-is-where/forget-old-rows.js';
import { WhoIsWhereProjection } from './who-is-where/who-is-where.projection.js';

@Module({ controllers: [PresenceController, WhoIsWhereProjection], providers: [PresenceStore, ForgetOldRows] })
export class AppModule {}
