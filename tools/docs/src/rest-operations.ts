import {
  answerCallBodySchema,
  apiKeyBodySchema,
  apiKeyViewSchema,
  appBodySchema,
  appSecretViewSchema,
  appViewSchema,
  auditListSchema,
  callActionBodySchema,
  callListSchema,
  callRecordSchema,
  callReplySchema,
  createCallBodySchema,
  declineCallBodySchema,
  deliveryViewSchema,
  doNotDisturbBodySchema,
  endpointBodySchema,
  endpointViewSchema,
  inviteBodySchema,
  kickBodySchema,
  type ProblemCode,
  presenceListSchema,
  presenceSchema,
  problemSchema,
  sipAccountViewSchema,
  timelineSchema,
  userBodySchema,
  userPatchSchema,
  userTokenBodySchema,
  userTokenViewSchema,
  userViewSchema,
} from '@communication-center/contracts';
import {
  consumerListSchema,
  deadLetterListSchema,
  discardedSchema,
  parkedKeyBodySchema,
  projectionListSchema,
  projectionViewSchema,
  rebuildBegunSchema,
  redrivenSchema,
} from '@communication-center/contracts/operations';
import { z } from 'zod';

/** What clients send, by its name in the document. */
export const sent: Readonly<Record<string, z.ZodType>> = {
  AnswerCallBody: answerCallBodySchema,
  ApiKeyBody: apiKeyBodySchema,
  AppBody: appBodySchema,
  CallActionBody: callActionBodySchema,
  CreateCallBody: createCallBodySchema,
  DeclineCallBody: declineCallBodySchema,
  DoNotDisturbBody: doNotDisturbBodySchema,
  EndpointBody: endpointBodySchema,
  InviteBody: inviteBodySchema,
  KickBody: kickBodySchema,
  ParkedKeyBody: parkedKeyBodySchema,
  UserBody: userBodySchema,
  UserPatch: userPatchSchema,
  UserTokenBody: userTokenBodySchema,
};

/** What clients receive, by its name in the document. */
export const received = {
  ApiKey: apiKeyViewSchema,
  AppSecret: appSecretViewSchema,
  App: appViewSchema,
  CallReply: callReplySchema,
  Call: callRecordSchema,
  ConsumerList: consumerListSchema,
  DeadLetterList: deadLetterListSchema,
  Delivery: deliveryViewSchema,
  Discarded: discardedSchema,
  Endpoint: endpointViewSchema,
  AuditList: auditListSchema,
  Presence: presenceSchema,
  PresenceList: presenceListSchema,
  Projection: projectionViewSchema,
  ProjectionList: projectionListSchema,
  RebuildBegun: rebuildBegunSchema,
  Redriven: redrivenSchema,
  SipAccount: sipAccountViewSchema,
  SipAccountList: z.object({ accounts: z.array(sipAccountViewSchema) }),
  Timeline: timelineSchema,
  UserToken: userTokenViewSchema,
  User: userViewSchema,
  CallList: callListSchema,
  ApiKeyList: z.object({ keys: z.array(apiKeyViewSchema) }),
  AppSecretList: z.object({ secrets: z.array(appSecretViewSchema) }),
  EndpointList: z.object({ endpoints: z.array(endpointViewSchema) }),
  DeliveryList: z.object({ deliveries: z.array(deliveryViewSchema) }),
  Problem: problemSchema,
};

/** What the document says of a route beside what the route itself says: its path, what it parses and its status. */
export interface Described {
  summary: string;
  answer?: keyof typeof received;
  /** Where the answer is no JSON. */
  answersAs?: 'text/event-stream';
  /** Why it may refuse, beside what any route refuses for: a faulty request, a credential that is missing or has not the right. */
  refusals?: readonly ProblemCode[];
}

const onCall = (summary: string, ...refusals: ProblemCode[]): Described => ({
  summary,
  answer: 'CallReply',
  refusals: ['call_not_found', 'not_a_participant', 'already_ended', 'idempotency_mismatch', ...refusals],
});
const ofApp = (summary: string, answer?: keyof typeof received, ...refusals: ProblemCode[]): Described => ({
  summary,
  ...(answer && { answer }),
  refusals: ['unknown_app', ...refusals],
});

/** Every public REST operation, by method and path. */
export const described: Readonly<Record<string, Described>> = {
  'POST /v1/calls': {
    summary: 'Dial. With an API key and no deviceId, the initiator rings too',
    answer: 'CallReply',
    refusals: [
      'unknown_app',
      'unknown_user',
      'initiator_busy',
      'all_callees_busy',
      'too_many_participants',
      'idempotency_mismatch',
      'service_unavailable',
    ],
  },
  'GET /v1/calls': { summary: 'Calls, newest first, in pages, with how they went for everyone', answer: 'CallList' },
  'GET /v1/calls/{callId}': { summary: 'One call', answer: 'Call', refusals: ['call_not_found', 'not_a_participant'] },
  'GET /v1/calls/{callId}/timeline': {
    summary: 'Everything that happened in a call',
    answer: 'Timeline',
    refusals: ['call_not_found', 'not_a_participant'],
  },
  'POST /v1/calls/{callId}/ringing': onCall('Say that a device rings', 'already_answered'),
  'POST /v1/calls/{callId}/answer': onCall(
    'Answer on a device; leave the call the user is in, with hangUpOther',
    'already_answered',
    'already_in_call',
  ),
  'POST /v1/calls/{callId}/decline': onCall('Decline on all devices', 'already_answered'),
  'POST /v1/calls/{callId}/ignore': onCall('Stop ringing on one device', 'already_answered'),
  'POST /v1/calls/{callId}/hang-up': onCall('Cancel while dialing, hang up while connected'),
  'POST /v1/calls/{callId}/join': onCall('Come (back) into a call that goes on', 'already_in_call', 'too_many_participants'),
  'POST /v1/calls/{callId}/add': onCall('Ring more people in a call', 'unknown_user', 'all_callees_busy', 'too_many_participants'),
  'POST /v1/calls/{callId}/ring': onCall(
    'Ring people again who declined, missed the call or left it',
    'unknown_user',
    'all_callees_busy',
    'too_many_participants',
  ),
  'POST /v1/calls/{callId}/kick': onCall('Put somebody out (the initiator, or a server)'),
  'POST /v1/calls/{callId}/end': onCall('End a call for everyone (servers)'),
  'POST /v1/calls/{callId}/request-upgrade': onCall('Ask everyone connected for video', 'not_upgradable', 'too_many_upgrade_requests'),
  'POST /v1/calls/{callId}/accept-upgrade': onCall('Consent to video', 'not_upgradable', 'no_upgrade_requested'),
  'POST /v1/calls/{callId}/refuse-upgrade': onCall('Refuse video, or take the wish back', 'no_upgrade_requested'),
  'POST /v1/calls/{callId}/credentials': onCall('Media credentials, again', 'media_unavailable'),
  'GET /v1/presence': { summary: 'Where several users are, or everybody of the app, in pages', answer: 'PresenceList' },
  'GET /v1/presence/stream': {
    summary: 'The same as server-sent events (presence, ready, reset); Last-Event-ID goes on where a reader left off',
    answersAs: 'text/event-stream',
    refusals: ['rate_limited'],
  },
  'GET /v1/presence/{userAlias}': {
    summary: 'Offline, online, away, not to be disturbed or busy; with whom; on which device',
    answer: 'Presence',
    refusals: ['unknown_user'],
  },
  'PUT /v1/users/{userAlias}': {
    summary: 'Make a user, or replace its whole profile; without a body nothing is done',
    answer: 'User',
    refusals: ['unknown_app'],
  },
  'PATCH /v1/users/{userAlias}': {
    summary: 'Change a part of a profile; null erases a field, and what is left out stays',
    answer: 'User',
    refusals: ['unknown_user'],
  },
  'PUT /v1/users/{userAlias}/do-not-disturb': {
    summary: 'Set whether a user is rung; a user may set it for itself',
    answer: 'User',
    refusals: ['unknown_user'],
  },
  'GET /v1/users/{userAlias}': { summary: 'One user', answer: 'User', refusals: ['unknown_user'] },
  'DELETE /v1/users/{userAlias}': { summary: 'Erase a user', refusals: ['unknown_user'] },
  'POST /v1/user-tokens': ofApp('Mint a user token', 'UserToken'),
  'PUT /v1/apps/{appId}': { summary: 'Make or change an app (operator)', answer: 'App' },
  'GET /v1/apps/{appId}': ofApp('One app', 'App'),
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
  'GET /v1/apps/{appId}/audit': ofApp('Who did what to the app, newest first', 'AuditList'),
  'POST /v1/webhook-endpoints': { summary: 'Make an endpoint; its signing secret is shown once', answer: 'Endpoint' },
  'GET /v1/webhook-endpoints': { summary: 'Endpoints', answer: 'EndpointList' },
  'DELETE /v1/webhook-endpoints/{endpointId}': { summary: 'Delete an endpoint', refusals: ['not_found'] },
  'GET /v1/webhook-deliveries': { summary: 'The newest deliveries with every attempt', answer: 'DeliveryList' },
  'GET /v1/operations/{service}/consumers': { summary: 'How the consumers of a service are (operator)', answer: 'ConsumerList' },
  'GET /v1/operations/{service}/projections': {
    summary: 'How the last rebuild of each projection went, or goes (operator)',
    answer: 'ProjectionList',
  },
  'GET /v1/operations/{service}/projections/{name}': {
    summary: 'How the last rebuild of a projection went, or goes (operator)',
    answer: 'Projection',
    refusals: ['not_found'],
  },
  'POST /v1/operations/{service}/projections/{name}/rebuild': {
    summary: 'Fold the whole log into a projection again, beside the one that serves (operator); Location names where it is followed',
    answer: 'RebuildBegun',
    refusals: ['not_found'],
  },
  'GET /v1/operations/{service}/dead-letters': { summary: 'Keys whose events wait (operator)', answer: 'DeadLetterList' },
  'POST /v1/operations/{service}/dead-letters/redrive': {
    summary:
      'Handle the events of a parked key again, in order (operator); one that takes long is answered 202 and followed in dead-letters',
    answer: 'Redriven',
    refusals: ['not_found', 'conflict'],
  },
  'POST /v1/operations/{service}/dead-letters/discard': {
    summary: 'Give up the events of a parked key for good (operator)',
    answer: 'Discarded',
    refusals: ['not_found'],
  },
};
