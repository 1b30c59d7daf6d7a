/**
 * Every topic of the log. `lasting` topics keep all events for ever; `compacted` ones keep the last event of
 * each key, and a tombstone erases a key; `passing` ones keep events for a week.
 */
export const topics = {
  'calls.events': { partitions: 12, retention: 'lasting', key: 'callId' },
  'sessions.events': { partitions: 12, retention: 'compacted', key: 'sessionId' },
  'presence.events': { partitions: 12, retention: 'compacted', key: 'appId/userAlias' },
  'directory.events': { partitions: 6, retention: 'compacted', key: 'app:appId or user:appId/userAlias' },
  'media.events': { partitions: 12, retention: 'passing', key: 'media session id' },
  'notifications.events': { partitions: 6, retention: 'passing', key: 'notification id' },
} as const;

export type Topic = keyof typeof topics;
