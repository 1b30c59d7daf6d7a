import { purgeRows } from '@communication-center/service';
import { Module } from '@nestjs/common';
import { PresenceController } from './read-presence/presence.controller.js';
import { PresenceStore } from './read-presence/presence-store.js';
import { WhoIsWhereProjection } from './who-is-where/who-is-where.projection.js';

/** What is over is kept for an hour, only to know repeats of its events. */
const oldRows = [
  "DELETE FROM device_sessions WHERE closed_at < clock_timestamp() - interval '1 hour'",
  "DELETE FROM current_calls WHERE ended AND updated_at < clock_timestamp() - interval '1 hour'",
];

@Module({ controllers: [PresenceController, WhoIsWhereProjection], providers: [PresenceStore, purgeRows(oldRows)] })
export class AppModule {}
