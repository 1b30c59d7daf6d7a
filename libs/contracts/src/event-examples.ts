/** What is said of an event type, and data as it may be. */
export interface EventExample {
  description: string;
  /** The payload version with which it came. */
  since: string;
  data: Readonly<Record<string, unknown>>;
}

const since = '2026-11-28';
const callId = '01a212f5-72f3-745f-9835-9b692595a83a';
const recordingId = '01a212f5-72f3-745f-9835-9b692595a86a';
const broadcastId = '01a212f5-72f3-745f-9835-9b692595a87a';
const endpointId = '01a212f5-72f3-745f-9835-9b692595a85a';
const audience = ['alice', 'bob'];

/** @param sequence where among the events of the call it comes. */
const ofCall = (description: string, sequence: number, data: object): EventExample => ({
  description,
  since,
  data: { callId, sequence, audience, ...data },
});

const ofRing = {
  notificationId: '0b9a52a0-9d4e-4c55-8b58-0b7e1e0f4a10',
  ...{ ruleId: null, channel: 'ring', callId, userAlias: 'bob', deviceId: 'phone' },
};

const ofNotification = (description: string, sequence: number, more: object = {}): EventExample => ({
  description,
  since,
  data: {
    ...{ sequence, notificationId: '6ad1c8c1-54a5-5f0e-9d2d-7d3e0a5b0c11', ruleId: 'missed-call', channel: 'email', callId },
    ...{ userAlias: 'bob', deviceId: null, attempts: 1, ...more },
  },
});

const mp4 = { name: 'call.mp4', kind: 'call', contentType: 'video/mp4', bytes: 1_904_221, seconds: 41.2 };

const ofRecording = (description: string, sequence: number, data: object): EventExample => ({
  description,
  since,
  data: {
    ...{ recordingId, callId, sequence, audience, fault: null, startedAt: '2026-11-28T09:29:10.000Z' },
    ...{ stoppedAt: '2026-11-28T09:29:52.000Z', seconds: null, files: [], ...data },
  },
});

const ofBroadcast = (description: string, sequence: number, data: object): EventExample => ({
  description,
  since,
  data: {
    ...{ broadcastId, callId, sequence, fault: null, startedAt: '2026-11-28T09:29:10.000Z', liveAt: '2026-11-28T09:29:13.000Z' },
    ...{ stoppedAt: null, mostViewers: 0, push: null, ...data },
  },
});
const pushed = { server: 'rtmps://live.example.com', state: 'live', fault: null, since: '2026-11-28T09:29:20.000Z' };

const bobOnHisPhone = { userAlias: 'bob', deviceId: 'bobs-phone' };

/** One example of each event type that is told to endpoints; tests compare them with the schemas. */
export const eventExamples: Readonly<Record<string, EventExample>> = {
  'call.dialed': ofCall('A call begins: the initiator dials, and devices of the callees ring.', 1, {
    initiator: 'alice',
    initiatorDevice: 'alices-laptop',
    callees: ['bob'],
    callType: 'audio_video',
    ringSeconds: 60,
    maxParticipants: 8,
    maxDurationSeconds: 14_400,
    mediaSetupSeconds: 60,
    customData: { order: 4711 },
  }),
  'call.participant_invited': ofCall('Somebody is added to a running call, or rung again.', 4, {
    audience: ['alice', 'bob', 'carol'],
    userAlias: 'carol',
    initiator: 'alice',
    invitedBy: 'bob',
    callType: 'audio_video',
    ringSeconds: 60,
  }),
  'call.ringing': ofCall('The first device of a callee confirms that it rings.', 2, bobOnHisPhone),
  'call.answered': ofCall('A callee answered, on one device; the others stop ringing.', 3, bobOnHisPhone),
  'call.declined': ofCall('A callee declined, for all of the devices.', 3, { ...bobOnHisPhone, reason: 'busy' }),
  'call.missed': ofCall('A ring ended without an answer.', 3, { userAlias: 'bob', initiator: 'alice', reason: 'no_answer' }),
  'call.busy': ofCall('Somebody who is busy was dialed.', 2, { userAlias: 'bob', waiting: false }),
  'call.ignored': ofCall('A callee silenced the ring on one device; the others ring on.', 3, bobOnHisPhone),
  'call.joined': ofCall('Somebody joined a running call.', 5, bobOnHisPhone),
  'call.left': ofCall('Somebody left a call that goes on without.', 6, { ...bobOnHisPhone, reason: 'hung_up' }),
  'call.hung_up': ofCall('Somebody hung up a call between two.', 4, { ...bobOnHisPhone, reason: 'hung_up' }),
  'call.kicked': ofCall('Somebody was taken out of a call.', 5, { userAlias: 'bob', by: 'alice' }),
  'call.participant_muted': ofCall('Somebody may not send sound or picture any more, until it is allowed again.', 5, {
    ...{ userAlias: 'bob', by: 'alice', media: ['audio'] },
  }),
  'call.participant_unmuted': ofCall('Somebody may send again what was forbidden; nothing is switched on by it.', 6, {
    ...{ userAlias: 'bob', by: 'alice', media: ['audio'] },
  }),
  'call.locked': ofCall('Nobody more may be invited to a call, or come into it.', 5, { by: 'alice' }),
  'call.unlocked': ofCall('People may come into a call again.', 6, { by: 'alice' }),
  'call.hand_raised': ofCall('Somebody in a call raised a hand.', 5, bobOnHisPhone),
  'call.hand_lowered': ofCall('A hand went down: its owner, or who moderates the call, lowered it.', 6, { userAlias: 'bob', by: 'alice' }),
  'call.recording_started': ofCall('A call is being recorded from now on: everyone in it sees so.', 4, { recordingId, by: 'alice' }),
  'call.recording_paused': ofCall('Nothing of a call is recorded until it goes on.', 5, { recordingId, by: 'alice' }),
  'call.recording_resumed': ofCall('The recording of a call goes on.', 6, { recordingId, by: 'alice' }),
  'call.recording_stopped': ofCall('A call is recorded no longer: somebody said so, it could not be, or the call ends.', 7, {
    ...{ recordingId, by: 'alice', reason: 'stopped' },
  }),
  'call.broadcast_started': ofCall('A call is being broadcast from now on: everyone in it sees so.', 4, { broadcastId, by: 'alice' }),
  'call.broadcast_stopped': ofCall('A call is broadcast no longer: somebody said so, it could not be, or the call ends.', 5, {
    ...{ broadcastId, by: 'alice', reason: 'stopped' },
  }),
  'call.upgrade_requested': ofCall('Somebody asked for video in a call of sound.', 4, {
    ...bobOnHisPhone,
    until: '2026-11-28T09:30:30.000Z',
  }),
  'call.upgrade_accepted': ofCall('Somebody consented to video.', 5, bobOnHisPhone),
  'call.upgrade_refused': ofCall('Nobody consented to video, or somebody refused it.', 5, { ...bobOnHisPhone, reason: 'refused' }),
  'call.ended': ofCall('A call is over. Each call has exactly one of these, and none after it.', 5, {
    reason: 'hung_up',
    talkSeconds: 42.5,
  }),
  'call.quality': ofCall('How the media of a call went, once it is over, by what the devices measured; not told where none did.', 1, {
    model: 'g107-simplified',
    participants: [
      {
        ...{ userAlias: 'alice', score: 4.31, lowestScore: 4.02, samples: 9, roundTripMs: 24, lossPercent: 0.2, jitterMs: 3.1 },
        ...{ freezes: 0, frozenMs: 0, candidateType: 'host', failed: null },
      },
      {
        ...{ userAlias: 'bob', score: 3.48, lowestScore: 2.2, samples: 8, roundTripMs: 182, lossPercent: 4.7, jitterMs: 18.4 },
        ...{ freezes: 3, frozenMs: 2140, candidateType: 'relay', failed: null },
      },
    ],
  }),
  'recording.starting': ofRecording('A call is to be recorded: nothing is yet, until somebody sends sound or picture.', 1, {
    ...{ state: 'starting', audience: [], stoppedAt: null },
  }),
  'recording.started': ofRecording('What people send is written down.', 2, { state: 'recording', stoppedAt: null }),
  'recording.processing': ofRecording('A recording came to its end, or to the end of its call, and is made into files.', 3, {
    state: 'processing',
  }),
  'recording.ready': ofRecording('The files of a recording are there. Each recording comes to this, or fails.', 4, {
    ...{ state: 'ready', seconds: 41.2, files: [mp4] },
  }),
  'recording.failed': ofRecording('No files came of a recording, and none will.', 4, { state: 'failed', fault: 'nothing_recorded' }),
  'recording.deleted': ofRecording('The files of a recording are deleted: their time had come, or somebody asked for it.', 5, {
    ...{ state: 'ready', seconds: 41.2, files: [mp4] },
  }),
  'broadcast.starting': ofBroadcast('A call is to be broadcast: there is nothing to be seen yet.', 1, { state: 'starting', liveAt: null }),
  'broadcast.live': ofBroadcast('A broadcast can be watched.', 2, { state: 'live' }),
  'broadcast.stopped': ofBroadcast('A broadcast is over: somebody said so, or its call ended.', 3, {
    ...{ state: 'stopped', stoppedAt: '2026-11-28T09:59:10.000Z', mostViewers: 212 },
  }),
  'broadcast.failed': ofBroadcast('A broadcast could not be, or not go on. Another may be started.', 2, {
    ...{ state: 'failed', fault: 'no_capacity', liveAt: null, stoppedAt: '2026-11-28T09:29:40.000Z' },
  }),
  'broadcast.push_live': ofBroadcast('A server elsewhere takes a broadcast.', 3, { state: 'live', push: pushed }),
  'broadcast.push_failed': ofBroadcast('A server elsewhere takes a broadcast no longer, or never did. The broadcast goes on.', 4, {
    ...{ state: 'live', push: { ...pushed, state: 'failed', fault: 'refused' } },
  }),
  'presence.changed': {
    description: 'A user is reachable otherwise than before: connected, away, in a call, or gone.',
    since,
    data: {
      sequence: 17,
      userAlias: 'bob',
      status: 'busy',
      doNotDisturb: false,
      version: 17,
      calls: [{ callId, state: 'connected', with: ['alice'], deviceId: 'bobs-phone', direction: 'incoming' }],
      devices: [{ deviceId: 'bobs-phone', platform: 'ios', status: 'busy', since: '2026-11-28T09:00:00.000Z' }],
      lastSeenAt: null,
    },
  },
  'audit.noted': {
    description: 'An act of an admin or operator that concerns the app was put on record, or a sign-in was refused.',
    since,
    data: {
      sequence: 1,
      entryId: '01a212f5-72f3-745f-9835-9b692595a84a',
      actor: 'key:k_5ohx2',
      act: 'api_key.made',
      target: 'k_7pqr3',
    },
  },
  'notification.queued': {
    description: 'A push that is to ring a device is written down, and its way begins. Told, as all of rings, to apps that wish it.',
    since,
    data: { ...ofRing, sequence: 1, attempts: 0 },
  },
  'notification.accepted': ofNotification('A provider, or a mail server, took what a rule sends: not yet that it arrived.', 1),
  'notification.delivered': ofNotification('The SMSC, or Twilio, says that an SMS is on the phone.', 2, { channel: 'sms' }),
  'notification.failed': ofNotification('What a rule sends was refused, or not taken as often as it was tried.', 1),
  'notification.expired': ofNotification('The time of what a rule sends came before it was taken.', 1),
  'notification.cancelled': ofNotification('What a rule would send was not handed over: no address, the user’s wish, a rate.', 1),
  'notification.rang': {
    description: 'A device that was pushed to said that it rings, or that it rang.',
    since,
    data: { ...ofRing, sequence: 3, attempts: 1 },
  },
  'notification.opened': ofNotification('The app said that the user opened what a rule sent.', 2),
  'notification.message': ofNotification(
    'A rule tells the app itself, by its step of the channel `webhook`, with the text of its template.',
    1,
    {
      ...{ channel: 'webhook', ruleId: 'tell-the-desk', event: 'call.missed', reason: 'no_answer', locale: 'en' },
      ...{ subject: 'Missed call from Alice', text: 'Alice called Bob, who was not online.' },
    },
  ),
  'endpoint.disabled': {
    description:
      'Deliveries to an endpoint of the app have stopped, since it took none for days or said that it is gone. Told to the others.',
    since,
    data: {
      sequence: 1,
      endpointId,
      url: 'https://hooks.example.com/center',
      reason: 'it answered 410 Gone',
      failingSince: '2026-11-28T09:29:59.000Z',
    },
  },
  'message.exhausted': {
    description: 'A message to an endpoint of the app was given up after its last attempt; it can be recovered. Told to the others.',
    since,
    data: { sequence: 1, endpointId, messageId: '01a212f5-72f3-745f-9835-9b692595a86a', type: 'call.ended', subject: callId, attempts: 10 },
  },
  'endpoint.test': {
    description: 'Sent when a test of an endpoint is asked for, to that endpoint alone; never by itself.',
    since,
    data: { sequence: 1, endpointId, test: true },
  },
};
