/**
 * Every topic of the log. `lasting` topics keep all events for ever; `compacted` ones keep the last event of
 * each key, and a tombstone erases a key; `passing` ones keep events for a week.
 */
export const topics = {
  'calls.events': { retention: 'lasting', key: 'callId' },
  'sessions.events': { retention: 'compacted', key: 'sessionId' },
  'presence.events': { retention: 'compacted', key: 'appId/userAlias' },
  'directory.events': { retention: 'compacted', key: 'app:appId or user:appId/userAlias' },
  'media.events': { retention: 'passing', key: 'media session id' },
  'notifications.events': { retention: 'passing', key: 'notification id' },
} as const;

export type Topic = keyof typeof topics;
