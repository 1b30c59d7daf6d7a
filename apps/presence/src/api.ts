import { presenceListSchema, presenceSchema } from '@communication-center/contracts';
import { describeRoutes } from '@communication-center/service';

const received = {
  Presence: presenceSchema,
  PresenceList: presenceListSchema,
};

/** The service's public routes, for the API document. */
export const api = describeRoutes({
  sent: {},
  received,
  routes: {
    'GET /v1/presence': {
      summary: 'Where several users are, or everybody of the app, in pages',
      by: ['presence', 'user'],
      answer: 'PresenceList',
    },
    'GET /v1/presence/stream': {
      summary: 'The same as server-sent events (presence, ready, reset); Last-Event-ID goes on where a reader left off',
      by: ['presence', 'user'],
      answersAs: 'text/event-stream',
      refusals: ['rate_limited'],
    },
    'GET /v1/presence/{userAlias}': {
      summary: 'Offline, online, away, not to be disturbed or busy; with whom; on which device',
      by: ['presence', 'user'],
      answer: 'Presence',
      refusals: ['unknown_user'],
    },
  },
});
