import {
  notificationListSchema,
  notificationLogBodySchema,
  notificationLogSchema,
  pushCredentialBodySchema,
  pushCredentialListSchema,
  pushCredentialVerdictSchema,
  pushCredentialViewSchema,
  pushRegistrationBodySchema,
  pushRegistrationListSchema,
  pushRegistrationViewSchema,
  webPushKeySchema,
} from '@communication-center/contracts';
import {
  channelCredentialBodySchema,
  channelCredentialListSchema,
  channelCredentialViewSchema,
  channelVerdictSchema,
  smsStatusBodySchema,
} from '@communication-center/contracts/channel-credentials';
import {
  preferencesBodySchema,
  preferencesViewSchema,
  previewBodySchema,
  renderedSchema,
  ruleBodySchema,
  ruleListSchema,
  ruleViewSchema,
  templateBodySchema,
  templateListSchema,
  templateViewSchema,
  testSendBodySchema,
  testSendVerdictSchema,
  unsubscribedSchema,
} from '@communication-center/contracts/notification-rules';
import { describeRoutes } from '@communication-center/service';

const received = {
  NotificationList: notificationListSchema,
  NotificationLog: notificationLogSchema,
  PushCredential: pushCredentialViewSchema,
  PushCredentialList: pushCredentialListSchema,
  PushCredentialVerdict: pushCredentialVerdictSchema,
  PushRegistration: pushRegistrationViewSchema,
  PushRegistrationList: pushRegistrationListSchema,
  WebPushKey: webPushKeySchema,
  ChannelCredential: channelCredentialViewSchema,
  ChannelCredentialList: channelCredentialListSchema,
  ChannelCredentialVerdict: channelVerdictSchema,
  NotificationPreferences: preferencesViewSchema,
  NotificationRule: ruleViewSchema,
  NotificationRuleList: ruleListSchema,
  NotificationTemplate: templateViewSchema,
  NotificationTemplateList: templateListSchema,
  RenderedTemplate: renderedSchema,
  TestSendVerdict: testSendVerdictSchema,
  Unsubscribed: unsubscribedSchema,
};

const sent = {
  PushCredentialBody: pushCredentialBodySchema,
  NotificationLogBody: notificationLogBodySchema,
  PushRegistrationBody: pushRegistrationBodySchema,
  ChannelCredentialBody: channelCredentialBodySchema,
  NotificationPreferencesBody: preferencesBodySchema,
  NotificationRuleBody: ruleBodySchema,
  NotificationTemplateBody: templateBodySchema,
  TemplatePreviewBody: previewBodySchema,
  TestSendBody: testSendBodySchema,
  SmsStatusBody: smsStatusBodySchema,
};

/** The service's public routes, for the API document. */
export const api = describeRoutes({
  sent,
  received,
  routes: {
    'GET /v1/notifications': {
      summary: 'The newest pushes, and what rules sent, of a call or to a user, and what became of each',
      by: ['notifications'],
      answer: 'NotificationList',
    },
    'POST /v1/notifications/{notificationId}/opened': {
      summary: 'Say that the user opened what a rule sent: nothing more is sent because of the same event',
      by: ['notifications', 'user'],
      refusals: ['not_found'],
    },
    'GET /v1/notification-rules': {
      summary: 'By which rules people of the app are told of calls, those by default among them',
      by: ['notifications'],
      answer: 'NotificationRuleList',
    },
    'PUT /v1/notification-rules/{ruleId}': {
      summary: 'Save a rule; one with the name of a rule by default takes its place',
      by: ['notifications'],
      answer: 'NotificationRule',
    },
    'DELETE /v1/notification-rules/{ruleId}': {
      summary: 'Take a rule away; one by default, too',
      by: ['notifications'],
      refusals: ['not_found'],
    },
    'GET /v1/notification-templates': {
      summary: 'What people of the app are told, in their languages',
      by: ['notifications'],
      answer: 'NotificationTemplateList',
    },
    'PUT /v1/notification-templates/{templateId}': {
      summary: 'Save a template in LiquidJS; one that cannot be filled in is refused, by the part that is at fault',
      by: ['notifications'],
      answer: 'NotificationTemplate',
    },
    'DELETE /v1/notification-templates/{templateId}': {
      summary: 'Take a template away; one by default is as it was then',
      by: ['notifications'],
      refusals: ['not_found'],
    },
    'POST /v1/notification-templates/{templateId}/preview': {
      summary: 'Fill a template in, saved or not, with what an event might tell',
      by: ['notifications'],
      answer: 'RenderedTemplate',
      refusals: ['not_found'],
    },
    'POST /v1/notification-templates/{templateId}/test': {
      summary: 'Send a template to one address or number, and hear what the mail server, SMSC or Twilio said',
      by: ['notifications'],
      answer: 'TestSendVerdict',
      refusals: ['not_found'],
    },
    'GET /v1/notification-preferences/{userAlias}': {
      summary: 'By which channels a user wishes to be told',
      by: ['notifications', 'user'],
      answer: 'NotificationPreferences',
    },
    'PUT /v1/notification-preferences/{userAlias}': {
      summary: 'Say by which channels a user wishes to be told; what is left out stays',
      by: ['notifications', 'user'],
      answer: 'NotificationPreferences',
    },
    'POST /v1/unsubscribe/{token}': {
      summary: 'End e-mails by the link in one of them, in one click (RFC 8058); no credential is asked for',
      by: ['nobody'],
      answer: 'Unsubscribed',
      refusals: ['not_found'],
    },
    'POST /v1/sms-status/{token}': {
      summary: 'What Twilio says became of an SMS, as a form; the signature in X-Twilio-Signature is the credential',
      by: ['nobody'],
      refusals: ['forbidden', 'not_found', 'service_unavailable'],
    },
    'PUT /v1/channel-credentials': {
      summary: 'Save through which mail server, SMSC or account at Twilio the app sends; what is secret of it is never told',
      by: ['notifications'],
      answer: 'ChannelCredential',
      refusals: ['service_unavailable'],
    },
    'GET /v1/channel-credentials': {
      summary: 'Through what the app sends e-mails and SMS',
      by: ['notifications'],
      answer: 'ChannelCredentialList',
    },
    'DELETE /v1/channel-credentials/{provider}': {
      summary: 'Take the mail server, SMSC or account away; e-mails go through the mail server of the installation then',
      by: ['notifications'],
      refusals: ['not_found', 'service_unavailable'],
    },
    'POST /v1/channel-credentials/{provider}/verify': {
      summary: 'Sign in at the mail server, SMSC or Twilio, without sending anything',
      by: ['notifications'],
      answer: 'ChannelCredentialVerdict',
      refusals: ['not_found'],
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
    'GET /v1/notifications/log': {
      summary: 'What of the app’s notifications is told as events',
      by: ['notifications'],
      answer: 'NotificationLog',
    },
    'PUT /v1/notifications/log': {
      summary: 'Have the pushes of rings told as events, or no more; holds within two seconds',
      by: ['notifications'],
      answer: 'NotificationLog',
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
