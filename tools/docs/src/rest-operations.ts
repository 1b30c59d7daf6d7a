import {
  apiKeyBodySchema,
  apiKeyViewSchema,
  appBodySchema,
  appSecretViewSchema,
  appViewSchema,
  callActionBodySchema,
  callReplySchema,
  callStateSchema,
  createCallBodySchema,
  declineCallBodySchema,
  deliveryViewSchema,
  endpointBodySchema,
  endpointViewSchema,
  presenceSchema,
  problemSchema,
  timelineSchema,
  userBodySchema,
  userTokenBodySchema,
  userTokenViewSchema,
  userViewSchema,
} from '@communication-center/contracts';
import { z } from 'zod';

/** What clients send, by its name in the document. */
export const sent = {
  ApiKeyBody: apiKeyBodySchema,
  AppBody: appBodySchema,
  CallActionBody: callActionBodySchema,
  CreateCallBody: createCallBodySchema,
  DeclineCallBody: declineCallBodySchema,
  EndpointBody: endpointBodySchema,
  UserBody: userBodySchema,
  UserTokenBody: userTokenBodySchema,
};

/** What clients receive, by its name in the document. */
export const received = {
  ApiKey: apiKeyViewSchema,
  AppSecret: appSecretViewSchema,
  App: appViewSchema,
  CallReply: callReplySchema,
  Call: callStateSchema,
  Delivery: deliveryViewSchema,
  Endpoint: endpointViewSchema,
  Presence: presenceSchema,
  Timeline: timelineSchema,
  UserToken: userTokenViewSchema,
  User: userViewSchema,
  CallList: z.object({ calls: z.array(callStateSchema), nextCursor: z.string().nullable() }),
  ApiKeyList: z.object({ keys: z.array(apiKeyViewSchema) }),
  AppSecretList: z.object({ secrets: z.array(appSecretViewSchema) }),
  EndpointList: z.object({ endpoints: z.array(endpointViewSchema) }),
  DeliveryList: z.object({ deliveries: z.array(deliveryViewSchema) }),
  Problem: problemSchema,
};

export interface RestOperation {
  method: 'get' | 'post' | 'put' | 'delete';
  path: string;
  tag: string;
  summary: string;
  body?: keyof typeof sent;
  answer?: keyof typeof received;
  status: number;
}

const onCall = (action: string, summary: string, body: keyof typeof sent = 'CallActionBody'): RestOperation => ({
  method: 'post',
  path: `/v1/calls/{callId}/${action}`,
  tag: 'calls',
  summary,
  body,
  answer: 'CallReply',
  status: 200,
});

/** Every public REST operation. */
export const restOperations: RestOperation[] = [
  {
    method: 'post',
    path: '/v1/calls',
    tag: 'calls',
    summary: 'Dial. With an API key and no deviceId, the initiator rings too',
    body: 'CreateCallBody',
    answer: 'CallReply',
    status: 201,
  },
  {
    method: 'get',
    path: '/v1/calls',
    tag: 'calls',
    summary: 'Calls, newest first, in pages (userAlias, limit, cursor)',
    answer: 'CallList',
    status: 200,
  },
  { method: 'get', path: '/v1/calls/{callId}', tag: 'calls', summary: 'One call', answer: 'Call', status: 200 },
  {
    method: 'get',
    path: '/v1/calls/{callId}/timeline',
    tag: 'calls',
    summary: 'Everything that happened in a call',
    answer: 'Timeline',
    status: 200,
  },
  onCall('ringing', 'Say that a device rings'),
  onCall('answer', 'Answer on a device'),
  onCall('decline', 'Decline on all devices', 'DeclineCallBody'),
  onCall('ignore', 'Stop ringing on one device'),
  onCall('hang-up', 'Cancel while dialing, hang up while connected'),
  onCall('credentials', 'Media credentials, again'),
  {
    method: 'get',
    path: '/v1/presence/{userAlias}',
    tag: 'presence',
    summary: 'Offline, online or busy; with whom; on which device',
    answer: 'Presence',
    status: 200,
  },
  {
    method: 'put',
    path: '/v1/users/{userAlias}',
    tag: 'directory',
    summary: 'Make a user, or replace its settings',
    body: 'UserBody',
    answer: 'User',
    status: 200,
  },
  { method: 'get', path: '/v1/users/{userAlias}', tag: 'directory', summary: 'One user', answer: 'User', status: 200 },
  { method: 'delete', path: '/v1/users/{userAlias}', tag: 'directory', summary: 'Erase a user', status: 204 },
  {
    method: 'post',
    path: '/v1/user-tokens',
    tag: 'directory',
    summary: 'Mint a user token',
    body: 'UserTokenBody',
    answer: 'UserToken',
    status: 201,
  },
  {
    method: 'put',
    path: '/v1/apps/{appId}',
    tag: 'directory',
    summary: 'Make or change an app (operator)',
    body: 'AppBody',
    answer: 'App',
    status: 200,
  },
  { method: 'get', path: '/v1/apps/{appId}', tag: 'directory', summary: 'One app', answer: 'App', status: 200 },
  {
    method: 'post',
    path: '/v1/apps/{appId}/api-keys',
    tag: 'directory',
    summary: 'Make an API key, shown once',
    body: 'ApiKeyBody',
    answer: 'ApiKey',
    status: 201,
  },
  {
    method: 'get',
    path: '/v1/apps/{appId}/api-keys',
    tag: 'directory',
    summary: 'API keys in use',
    answer: 'ApiKeyList',
    status: 200,
  },
  { method: 'delete', path: '/v1/apps/{appId}/api-keys/{keyId}', tag: 'directory', summary: 'Revoke an API key', status: 204 },
  {
    method: 'post',
    path: '/v1/apps/{appId}/secrets',
    tag: 'directory',
    summary: 'Make a secret that signs user tokens, shown once',
    answer: 'AppSecret',
    status: 201,
  },
  {
    method: 'get',
    path: '/v1/apps/{appId}/secrets',
    tag: 'directory',
    summary: 'Signing secrets in use',
    answer: 'AppSecretList',
    status: 200,
  },
  { method: 'delete', path: '/v1/apps/{appId}/secrets/{kid}', tag: 'directory', summary: 'Revoke a signing secret', status: 204 },
  {
    method: 'post',
    path: '/v1/webhook-endpoints',
    tag: 'webhooks',
    summary: 'Make an endpoint; its signing secret is shown once',
    body: 'EndpointBody',
    answer: 'Endpoint',
    status: 201,
  },
  {
    method: 'get',
    path: '/v1/webhook-endpoints',
    tag: 'webhooks',
    summary: 'Endpoints',
    answer: 'EndpointList',
    status: 200,
  },
  { method: 'delete', path: '/v1/webhook-endpoints/{endpointId}', tag: 'webhooks', summary: 'Delete an endpoint', status: 204 },
  {
    method: 'get',
    path: '/v1/webhook-deliveries',
    tag: 'webhooks',
    summary: 'The newest deliveries with every attempt (endpointId, limit)',
    answer: 'DeliveryList',
    status: 200,
  },
];
