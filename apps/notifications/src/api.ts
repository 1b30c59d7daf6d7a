import {
  notificationListSchema,
  pushCredentialBodySchema,
  pushCredentialListSchema,
  pushCredentialVerdictSchema,
  pushCredentialViewSchema,
  pushRegistrationBodySchema,
  pushRegistrationListSchema,
  pushRegistrationViewSchema,
  webPushKeySchema,
} from '@communication-center/contracts';
import { describeRoutes } from '@communication-center/service';

const received = {
  NotificationList: notificationListSchema,
  PushCredential: pushCredentialViewSchema,
  PushCredentialList: pushCredentialListSchema,
  PushCredentialVerdict: pushCredentialVerdictSchema,
  PushRegistration: pushRegistrationViewSchema,
  PushRegistrationList: pushRegistrationListSchema,
  WebPushKey: webPushKeySchema,
};

/** The service's public routes, for the API document. */
export const api = describeRoutes({
  sent: { PushCredentialBody: pushCredentialBodySchema, PushRegistrationBody: pushRegistrationBodySchema },
  received,
  routes: {
    'GET /v1/notifications': {
      summary: 'The newest pushes of a call or to a user, and what became of each',
      by: ['notifications'],
      answer: 'NotificationList',
    },
    'POST /v1/push-registrations': {
      summary: 'Register where a device is pushed to, or say that it is still there',
      by: ['notifications', 'user'],
      answer: 'PushRegistration',
    },
    'GET /v1/push-registrations': {
      summary: 'Where the devices of a user are pushed to',
      by: ['notifications', 'user'],
      answer: 'PushRegistrationList',
    },
    'DELETE /v1/push-registrations': {
      summary: 'Forget the devices of a user, or one of them: no call rings there any more',
      by: ['notifications', 'user'],
    },
    'DELETE /v1/push-registrations/{registrationId}': {
      summary: 'Forget one registration',
      by: ['notifications', 'user'],
      refusals: ['not_found'],
    },
    'PUT /v1/push-credentials': {
      summary: 'Save with what the app pushes through one provider; what is secret of it is never told',
      by: ['notifications'],
      answer: 'PushCredential',
    },
    'GET /v1/push-credentials': { summary: 'Through which providers the app pushes', by: ['notifications'], answer: 'PushCredentialList' },
    'GET /v1/push-credentials/web_push/public-key': {
      summary: 'The key with which pages of the app subscribe to pushes',
      by: ['notifications', 'user'],
      answer: 'WebPushKey',
      refusals: ['not_found'],
    },
    'DELETE /v1/push-credentials/{provider}': {
      summary: 'Delete credentials: nothing is pushed through that provider any more',
      by: ['notifications'],
      refusals: ['not_found', 'service_unavailable'],
    },
    'POST /v1/push-credentials/{provider}/verify': {
      summary: 'Ask the provider whether it takes the credentials; no device hears of it',
      by: ['notifications'],
      answer: 'PushCredentialVerdict',
      refusals: ['not_found'],
    },
  },
});
