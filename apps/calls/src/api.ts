import {
  answerCallBodySchema,
  callActionBodySchema,
  callListSchema,
  callRecordSchema,
  callReplySchema,
  createCallBodySchema,
  declineCallBodySchema,
  inviteBodySchema,
  kickBodySchema,
  lowerHandBodySchema,
  muteAllBodySchema,
  muteBodySchema,
  type ProblemCode,
  timelineSchema,
} from '@communication-center/contracts';
import { type DescribedRoute, describeRoutes } from '@communication-center/service';

const received = {
  CallReply: callReplySchema,
  Call: callRecordSchema,
  Timeline: timelineSchema,
  CallList: callListSchema,
};
type Answer = keyof typeof received;

const onCall = (summary: string, ...refusals: ProblemCode[]): DescribedRoute<Answer> => ({
  summary,
  by: ['calls', 'user'],
  answer: 'CallReply',
  refusals: ['call_not_found', 'not_a_participant', 'already_ended', 'idempotency_mismatch', ...refusals],
});

/** The service's public routes, for the API document. */
export const api = describeRoutes({
  sent: {
    AnswerCallBody: answerCallBodySchema,
    CallActionBody: callActionBodySchema,
    CreateCallBody: createCallBodySchema,
    DeclineCallBody: declineCallBodySchema,
    InviteBody: inviteBodySchema,
    KickBody: kickBodySchema,
    LowerHandBody: lowerHandBodySchema,
    MuteAllBody: muteAllBodySchema,
    MuteBody: muteBodySchema,
  },
  received,
  routes: {
    'POST /v1/calls': {
      summary: 'Dial. With an API key and no deviceId, the initiator rings too',
      by: ['calls', 'user'],
      answer: 'CallReply',
      refusals: [
        'unknown_app',
        'unknown_user',
        'initiator_busy',
        'all_callees_busy',
        'too_many_calls',
        'too_many_participants',
        'idempotency_mismatch',
        'service_unavailable',
      ],
    },
    'GET /v1/calls': {
      summary: 'Calls, newest first, in pages, with how they went for everyone',
      by: ['calls', 'user'],
      answer: 'CallList',
    },
    'GET /v1/calls/{callId}': {
      summary: 'One call',
      by: ['calls', 'user'],
      answer: 'Call',
      refusals: ['call_not_found', 'not_a_participant'],
    },
    'GET /v1/calls/{callId}/timeline': {
      summary: 'Everything that happened in a call',
      by: ['calls', 'user'],
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
    'POST /v1/calls/{callId}/join': onCall(
      'Come (back) into a call that goes on',
      'already_in_call',
      'too_many_participants',
      'call_locked',
    ),
    'POST /v1/calls/{callId}/add': onCall(
      'Ring more people in a call',
      'unknown_user',
      'all_callees_busy',
      'too_many_participants',
      'call_locked',
    ),
    'POST /v1/calls/{callId}/ring': onCall(
      'Ring people again who declined, missed the call or left it',
      'unknown_user',
      'all_callees_busy',
      'too_many_participants',
      'call_locked',
    ),
    'POST /v1/calls/{callId}/kick': onCall('Put somebody out (the initiator, or a server)'),
    'POST /v1/calls/{callId}/mute': onCall('Forbid somebody to send sound or picture (the initiator, or a server)'),
    'POST /v1/calls/{callId}/allow': onCall('Allow somebody to send again what was forbidden (the initiator, or a server)'),
    'POST /v1/calls/{callId}/mute-all': onCall(
      'Forbid everyone in the call, and who is rung, to send, but whoever does it (the initiator, or a server)',
    ),
    'POST /v1/calls/{callId}/lock': onCall('Let nobody more come into the call (the initiator, or a server)'),
    'POST /v1/calls/{callId}/unlock': onCall('Let people come into the call again (the initiator, or a server)'),
    'POST /v1/calls/{callId}/raise-hand': onCall('Raise a hand'),
    'POST /v1/calls/{callId}/lower-hand': onCall('Lower one’s own hand, or somebody’s (the initiator, or a server)'),
    'POST /v1/calls/{callId}/start-recording': onCall(
      'Record a call from now on; everyone in it sees so (the initiator where the app lets users record, or a server)',
      'service_unavailable',
    ),
    'POST /v1/calls/{callId}/pause-recording': onCall('Record nothing until it is resumed (the initiator, or a server)'),
    'POST /v1/calls/{callId}/resume-recording': onCall('Go on recording (the initiator, or a server)'),
    'POST /v1/calls/{callId}/stop-recording': onCall('End the recording; the end of a call ends it too (the initiator, or a server)'),
    'POST /v1/calls/{callId}/start-broadcast': onCall(
      'Broadcast a call to people who are not in it; everyone in it sees so (the initiator where the app lets users broadcast, or a server)',
      'service_unavailable',
    ),
    'POST /v1/calls/{callId}/stop-broadcast': onCall('End the broadcast; the end of a call ends it too (the initiator, or a server)'),
    'POST /v1/calls/{callId}/end': { ...onCall('End a call for everyone (servers)'), by: ['calls'] },
    'POST /v1/calls/{callId}/request-upgrade': onCall('Ask everyone connected for video', 'not_upgradable', 'too_many_upgrade_requests'),
    'POST /v1/calls/{callId}/accept-upgrade': onCall('Consent to video', 'not_upgradable', 'no_upgrade_requested'),
    'POST /v1/calls/{callId}/refuse-upgrade': onCall('Refuse video, or take the wish back', 'no_upgrade_requested'),
    'POST /v1/calls/{callId}/credentials': onCall('Media credentials, again', 'media_unavailable'),
  },
});
