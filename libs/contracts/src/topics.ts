import type { z } from 'zod';
import { broadcastEventSchema } from './broadcast-events.js';
import { callEventSchema } from './call-events.js';
import { auditNotedSchema, directoryEventSchema } from './directory.js';
import { mediaEventSchema } from './media-events.js';
import { notificationEventSchema } from './notification-events.js';
import { presenceChangedSchema } from './presence.js';
import { qualityEventSchema } from './quality-events.js';
import { recordingEventSchema } from './recording-events.js';
import { ringConfirmedSchema } from './ring-events.js';
import { sessionEventSchema } from './session-events.js';

/**
 * Every topic of the log, and the events it carries. `lasting` topics keep all events for ever; `compacted` ones keep the last
 * event of each key, and a tombstone erases a key; `passing` ones keep events for a week, `fleeting` ones for an hour or two.
 */
export const topics = {
  'calls.events': { retention: 'lasting', key: 'callId', events: callEventSchema },
  'sessions.events': { retention: 'compacted', key: 'sessionId', events: sessionEventSchema },
  'presence.events': { retention: 'compacted', key: 'appId/userAlias', events: presenceChangedSchema },
  'directory.events': { retention: 'compacted', key: 'app:appId or user:appId/userAlias', events: directoryEventSchema },
  'audit.events': { retention: 'passing', key: 'entryId', events: auditNotedSchema },
  'media.events': { retention: 'passing', key: 'media session id', events: mediaEventSchema },
  'quality.events': { retention: 'passing', key: 'callId', events: qualityEventSchema },
  'recordings.events': { retention: 'passing', key: 'recordingId', events: recordingEventSchema },
  'broadcasts.events': { retention: 'passing', key: 'broadcastId', events: broadcastEventSchema },
  'rings.events': { retention: 'fleeting', key: 'callId', events: ringConfirmedSchema },
  'notifications.events': { retention: 'passing', key: 'notificationId', events: notificationEventSchema },
} as const;

export type Topic = keyof typeof topics;

/** An event of a topic as this release reads and writes it. */
export type EventOf<T extends Topic> = z.output<(typeof topics)[T]['events']>;
