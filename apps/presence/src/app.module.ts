import { purgeRows } from '@communication-center/service';
import { Module } from '@nestjs/common';
import { PublishChanges } from './publish-changes/publish-changes.js';
import { PresenceController } from './read-presence/presence.controller.js';
import { PresenceStore } from './read-presence/presence-store.js';
import { PresenceStreams } from './stream-presence/presence-streams.js';
import { WhoIsWhereProjection } from './who-is-where/who-is-where.projection.js';

/** What is over is kept for an hour, only to know repeats of its events; changes a day, for readers who come back. */
const oldRows = [
  "DELETE FROM device_sessions WHERE closed_at < clock_timestamp() - interval '1 hour'",
  "DELETE FROM seen_devices WHERE last_seen_at < clock_timestamp() - interval '30 days'",
  "DELETE FROM changes WHERE ctid IN (SELECT ctid FROM changes WHERE changed_at < clock_timestamp() - interval '1 day' LIMIT 5000)",
  "DELETE FROM current_calls WHERE ended AND updated_at < clock_timestamp() - interval '1 hour'",
];

@Module({
  controllers: [PresenceController, WhoIsWhereProjection],
  providers: [PresenceStore, PublishChanges, PresenceStreams, purgeRows(oldRows)],
})
export class AppModule {}
