import {
  apiKeyBodySchema,
  apiKeyViewSchema,
  appBodySchema,
  appSecretViewSchema,
  appViewSchema,
  auditListSchema,
  doNotDisturbBodySchema,
  limitsViewSchema,
  type ProblemCode,
  sipAccountBodySchema,
  sipAccountViewSchema,
  userBodySchema,
  userPatchSchema,
  userRevokedSchema,
  userSessionsSchema,
  userTokenBodySchema,
  userTokenViewSchema,
  userViewSchema,
} from '@communication-center/contracts';
import { type DescribedRoute, describeRoutes } from '@communication-center/service';
import { z } from 'zod';

const received = {
  ApiKey: apiKeyViewSchema,
  AppSecret: appSecretViewSchema,
  App: appViewSchema,
  AppLimits: limitsViewSchema,
  AuditList: auditListSchema,
  SipAccount: sipAccountViewSchema,
  SipAccountList: z.object({ accounts: z.array(sipAccountViewSchema) }),
  UserToken: userTokenViewSchema,
  User: userViewSchema,
  UserRevoked: userRevokedSchema,
  UserSessions: userSessionsSchema,
  ApiKeyList: z.object({ keys: z.array(apiKeyViewSchema) }),
  AppSecretList: z.object({ secrets: z.array(appSecretViewSchema) }),
};
type Answer = keyof typeof received;

const ofApp = (summary: string, answer?: Answer, ...refusals: ProblemCode[]): DescribedRoute<Answer> => ({
  summary,
  by: ['admin', 'operator'],
  ...(answer && { answer }),
  refusals: ['unknown_app', ...refusals],
});

/** The service's public routes, for the API document. */
export const api = describeRoutes({
  sent: {
    ApiKeyBody: apiKeyBodySchema,
    AppBody: appBodySchema,
    DoNotDisturbBody: doNotDisturbBodySchema,
    SipAccountBody: sipAccountBodySchema,
    UserBody: userBodySchema,
    UserPatch: userPatchSchema,
    UserTokenBody: userTokenBodySchema,
  },
  received,
  routes: {
    'PUT /v1/users/{userAlias}': {
      summary: 'Make a user, or replace its whole profile; without a body nothing is done',
      by: ['users'],
      answer: 'User',
      refusals: ['unknown_app'],
    },
    'PATCH /v1/users/{userAlias}': {
      summary: 'Change a part of a profile; null erases a field, and what is left out stays',
      by: ['users'],
      answer: 'User',
      refusals: ['unknown_user'],
    },
    'PUT /v1/users/{userAlias}/do-not-disturb': {
      summary: 'Set whether a user is rung; a user may set it for itself',
      by: ['users', 'user'],
      answer: 'User',
      refusals: ['unknown_user'],
    },
    'GET /v1/users/{userAlias}': { summary: 'One user', by: ['users', 'user'], answer: 'User', refusals: ['unknown_user'] },
    'DELETE /v1/users/{userAlias}': { summary: 'Erase a user', by: ['users'], refusals: ['unknown_user'] },
    'POST /v1/users/{userAlias}/revoke': {
      summary: 'End every token of a user that was issued up to this second, and what it signed in',
      by: ['users'],
      answer: 'UserRevoked',
      refusals: ['unknown_user'],
    },
    'GET /v1/users/{userAlias}/sessions': {
      summary: 'Live sockets of a user, newest first',
      by: ['users', 'user'],
      answer: 'UserSessions',
      refusals: [],
    },
    'DELETE /v1/users/{userAlias}/sessions/{sessionId}': {
      summary: 'End one live socket of a user',
      by: ['users', 'user'],
      refusals: ['not_found'],
    },
    'DELETE /v1/users/{userAlias}/sessions': { summary: 'End every live socket of a user', by: ['users', 'user'], refusals: [] },
    'DELETE /v1/apps/{appId}/secrets/{kid}/sessions': {
      summary: 'End every live socket whose token this secret signed',
      by: ['admin', 'operator'],
      refusals: [],
    },
    'POST /v1/user-tokens': { ...ofApp('Mint a user token', 'UserToken'), by: ['tokens', 'nobody'] },
    'PUT /v1/apps/{appId}': { summary: 'Make or change an app (operator)', by: ['operator'], answer: 'App', refusals: ['conflict'] },
    'GET /v1/apps/{appId}': ofApp('One app', 'App'),
    'POST /v1/apps/{appId}/suspend': { ...ofApp('Put out everybody of an app, and let nobody in (operator)', 'App'), by: ['operator'] },
    'POST /v1/apps/{appId}/resume': { ...ofApp('Let people into a suspended app again (operator)', 'App'), by: ['operator'] },
    'DELETE /v1/apps/{appId}': { ...ofApp('End an app for good, and erase what it stored (operator)'), by: ['operator'] },
    'GET /v1/apps/{appId}/limits': ofApp('How much may be done in the name of an app: by default, or as the operator set it', 'AppLimits'),
    'POST /v1/apps/{appId}/api-keys': ofApp('Make an API key, shown once', 'ApiKey'),
    'GET /v1/apps/{appId}/api-keys': ofApp('API keys in use', 'ApiKeyList'),
    'DELETE /v1/apps/{appId}/api-keys/{keyId}': ofApp('Revoke an API key', undefined, 'not_found'),
    'POST /v1/apps/{appId}/secrets': ofApp('Make a secret that signs user tokens, shown once', 'AppSecret'),
    'GET /v1/apps/{appId}/secrets': ofApp('Signing secrets in use', 'AppSecretList'),
    'DELETE /v1/apps/{appId}/secrets/{kid}': ofApp('Revoke a signing secret', undefined, 'not_found'),
    'PUT /v1/apps/{appId}/sip-accounts/{username}': ofApp(
      'Make an account for a phone system, or give it a new password, shown once',
      'SipAccount',
    ),
    'GET /v1/apps/{appId}/sip-accounts': ofApp('Accounts of phone systems', 'SipAccountList'),
    'DELETE /v1/apps/{appId}/sip-accounts/{username}': ofApp('Delete the account of a phone system', undefined, 'not_found'),
    'GET /v1/apps/{appId}/audit/stream': {
      summary: 'What is put on record from now on, as server-sent events (audit); Last-Event-ID goes on where a reader left off',
      by: ['admin', 'operator'],
      answersAs: 'text/event-stream',
    },
    'GET /v1/audit': {
      summary: 'What operators did that concerns no single app, newest first (operator)',
      by: ['operator'],
      answer: 'AuditList',
    },
    'GET /v1/audit/stream': {
      summary: 'The same from now on, as server-sent events (audit); Last-Event-ID goes on where a reader left off (operator)',
      by: ['operator'],
      answersAs: 'text/event-stream',
    },
    'GET /v1/apps/{appId}/audit': ofApp('Who did what to the app, newest first', 'AuditList'),
  },
});
