import { broadcastListSchema, broadcastPushBodySchema, broadcastViewSchema } from '@communication-center/contracts/broadcasts';
import { mediaTestBodySchema, mediaTestSchema } from '@communication-center/contracts/media-test';
import { qualityViewSchema } from '@communication-center/contracts/quality';
import {
  recordingListSchema,
  recordingStorageBodySchema,
  recordingStorageViewSchema,
  recordingViewSchema,
} from '@communication-center/contracts/recordings';
import { describeRoutes } from '@communication-center/service';
import { z } from 'zod';

/** The service's public routes, for the API document. */
export const api = describeRoutes({
  sent: {
    BroadcastPushBody: broadcastPushBodySchema,
    MediaTestBody: mediaTestBodySchema,
    RecordingStorageBody: recordingStorageBodySchema,
  },
  received: {
    Broadcast: broadcastViewSchema,
    BroadcastList: broadcastListSchema,
    BroadcastsOfCall: z.object({ broadcasts: z.array(broadcastViewSchema) }),
    CallQuality: qualityViewSchema,
    MediaTest: mediaTestSchema,
    Recording: recordingViewSchema,
    RecordingList: recordingListSchema,
    RecordingsOfCall: z.object({ recordings: z.array(recordingViewSchema) }),
    RecordingStorage: recordingStorageViewSchema,
  },
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
    'GET /v1/calls/{callId}/recordings': {
      summary:
        'The recordings of a call, in their order, with links to their files; for users those in which they were recorded, where the app has usersMayRecord',
      by: ['calls', 'user'],
      answer: 'RecordingsOfCall',
      refusals: ['not_found'],
    },
    'GET /v1/recordings': { summary: 'Recordings, the newest first, in pages', by: ['calls'], answer: 'RecordingList' },
    'GET /v1/recordings/{recordingId}': {
      summary:
        'One recording, how far it is, and links to its files; for users one in which they were recorded, where the app has usersMayRecord',
      by: ['calls', 'user'],
      answer: 'Recording',
      refusals: ['not_found'],
    },
    'DELETE /v1/recordings/{recordingId}': {
      summary: 'Delete a recording that is ready, or has failed, with its files',
      by: ['calls'],
      refusals: ['not_found', 'conflict'],
    },
    'GET /v1/recording-files/{token}': {
      summary: 'A file of a recording, whole or in a range, by a link that a recording was told with; no credential is asked for',
      by: ['nobody'],
      answersAs: 'application/octet-stream',
      refusals: ['not_found', 'range_not_satisfiable'],
    },
    'GET /v1/calls/{callId}/broadcasts': {
      summary: 'The broadcasts of a call, in their order, with links to watch them',
      by: ['calls'],
      answer: 'BroadcastsOfCall',
      refusals: ['not_found'],
    },
    'GET /v1/broadcasts': { summary: 'Broadcasts, the newest first, in pages', by: ['calls'], answer: 'BroadcastList' },
    'GET /v1/broadcasts/{broadcastId}': {
      summary: 'One broadcast: its state, how many watch, how late it is, and links to watch it',
      by: ['calls'],
      answer: 'Broadcast',
      refusals: ['not_found'],
    },
    'PUT /v1/broadcasts/{broadcastId}/push': {
      summary: 'Push a broadcast to a server elsewhere by RTMP, in place of another; again, where it failed',
      by: ['calls'],
      answer: 'Broadcast',
      refusals: ['not_found', 'conflict'],
    },
    'DELETE /v1/broadcasts/{broadcastId}/push': {
      summary: 'Push a broadcast nowhere any more; it goes on',
      by: ['calls'],
      refusals: ['not_found'],
    },
    'GET /v1/broadcast-streams/{token}/{file}': {
      summary:
        'What a player asks for, by a link that a broadcast was told with; no credential is asked for: `index.m3u8`, what it names, and `status`, which is JSON',
      by: ['nobody'],
      answersAs: 'application/octet-stream',
      refusals: ['not_found'],
    },
    'PUT /v1/recording-storage': {
      summary: 'Have the app’s recordings kept on a server of its own that speaks S3, from the next on',
      by: ['calls'],
      answer: 'RecordingStorage',
    },
    'GET /v1/recording-storage': {
      summary: 'Where the app has its recordings kept, without the secret',
      by: ['calls'],
      answer: 'RecordingStorage',
      refusals: ['not_found'],
    },
    'DELETE /v1/recording-storage': {
      summary: 'Have the installation keep recordings, from the next on; those of before stay where they are',
      by: ['calls'],
      refusals: ['not_found'],
    },
  },
});
