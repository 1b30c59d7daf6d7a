import { mediaTestBodySchema, mediaTestSchema } from '@communication-center/contracts/media-test';
import { qualityViewSchema } from '@communication-center/contracts/quality';
import { describeRoutes } from '@communication-center/service';

/** The service's public routes, for the API document. */
export const api = describeRoutes({
  sent: { MediaTestBody: mediaTestBodySchema },
  received: { CallQuality: qualityViewSchema, MediaTest: mediaTestSchema },
  routes: {
    'GET /v1/calls/{callId}/quality': {
      summary: 'How the media of a call goes or went, by what devices and Janus measured: of everyone for keys, of oneself for users',
      by: ['calls', 'user'],
      answer: 'CallQuality',
      refusals: ['not_found'],
    },
    'POST /v1/media/test': {
      summary:
        'Tests, before a call, how media would go: the servers to use, and, for an offer, an answer of Janus that sends back what comes for 15 s',
      by: ['user'],
      answer: 'MediaTest',
      refusals: ['media_unavailable', 'rate_limited', 'service_unavailable'],
    },
  },
});
