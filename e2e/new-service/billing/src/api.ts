import { describeRoutes } from '@communication-center/service';

/** The service's public routes, for the API document. */
export const api = describeRoutes({
  sent: {},
  received: {},
  routes: {
    'GET /v1/usage': { summary: 'How many calls an app made, and how long they were, day by day', by: ['calls'] },
    'PUT /v1/usage/archives': { summary: 'Take a file of any size, and keep nothing of it', by: ['calls'] },
    'GET /v1/usage/archives/{bytes}': { summary: 'Give a file of so many bytes', by: ['calls'] },
  },
});
