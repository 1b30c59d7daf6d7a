import { eraseApps, purgeRows, rowsOfApp } from '@communication-center/service';
import { Module } from '@nestjs/common';
import { PublishChanges } from './publish-changes/publish-changes.js';
import { PresenceController } from './read-presence/presence.controller.js';
import { PresenceStore } from './read-presence/presence-store.js';
import type { PresenceSettings } from './settings.js';
import { PresenceStreams } from './stream-presence/presence-streams.js';
import { AppRules } from './visibility/app-rules.js';
import { Sights } from './visibility/sights.js';
import { WhoIsWhereProjection } from './who-is-where/who-is-where.projection.js';

const hourSeconds = 3600;
const daySeconds = 86_400;

/** What is over is kept for an hour, only to know repeats of its events; changes for readers who come back. */
const oldRows = ({ KEEP_CHANGES_HOURS }: PresenceSettings) => [
  { table: 'device_sessions', by: 'closed_at', keepSeconds: hourSeconds, only: 'closed_at IS NOT NULL' },
  { table: 'current_calls', by: 'ended_at', keepSeconds: hourSeconds, only: 'ended_at IS NOT NULL' },
  { table: 'bucket_changes', by: 'changed_at', keepSeconds: KEEP_CHANGES_HOURS * hourSeconds },
  { table: 'seen_devices', by: 'last_seen_at', keepSeconds: 30 * daySeconds },
];

/** Whoever was not told to be gone yet is left until then: a last word needs the one before. */
const ofApps = [
  rowsOfApp('people', 'published IS NULL'),
  rowsOfApp('known_users', 'deleted'),
  ...['seen_devices', 'bucket_changes', 'bucket_positions'].map((table) => rowsOfApp(table)),
];

@Module({
  controllers: [PresenceController, WhoIsWhereProjection],
  providers: [PresenceStore, PublishChanges, PresenceStreams, AppRules, Sights, purgeRows(oldRows), eraseApps(ofApps)],
})
export class AppModule {}
