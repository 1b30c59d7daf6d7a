import { qualityViewSchema } from '@communication-center/contracts/quality';
import { describeRoutes } from '@communication-center/service';

/** The service's public routes, for the API document. */
export const api = describeRoutes({
  sent: {},
  received: { CallQuality: qualityViewSchema },
  routes: {
    'GET /v1/calls/{callId}/quality': {
      summary: 'How the media of a call goes or went, by what devices and Janus measured: of everyone for keys, of oneself for users',
      by: ['calls', 'user'],
      answer: 'CallQuality',
      refusals: ['not_found'],
    },
  },
});
