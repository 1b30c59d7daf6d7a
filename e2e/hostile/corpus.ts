/** What each parser reads, as it should be, and what broke it once: mutations begin here. A find is added, and stays. */

export const callId = '01890000-0000-7000-8000-000000000000';
const onCall = { id: 2, commandId: 'command-0002', callId };

export const clientFrames = [
  { type: 'dial', id: 1, commandId: 'command-0001', callees: ['bob'], customData: { room: 'x', deep: [{ a: 1 }] } },
  { type: 'cancel_dial', id: 1, commandId: 'command-0001' },
  ...['ringing', 'answer', 'decline', 'ignore', 'join', 'hang_up', 'request_upgrade', 'accept_upgrade', 'refuse_upgrade'].map((type) => ({
    type,
    ...onCall,
  })),
  ...[
    'lock',
    'unlock',
    'raise_hand',
    'lower_hand',
    'mute_all',
    'start_recording',
    'pause_recording',
    'resume_recording',
    'stop_recording',
    'start_broadcast',
    'stop_broadcast',
  ].map((type) => ({ type, ...onCall })),
  { type: 'mute', ...onCall, participant: 'bob', media: ['audio', 'video'] },
  { type: 'allow', ...onCall, participant: 'bob', media: ['audio'] },
  { type: 'add', ...onCall, callees: ['carol'], ringSeconds: 20 },
  { type: 'kick', ...onCall, participant: 'bob' },
  { type: 'credentials', id: 3, callId },
  { type: 'profiles', id: 4, userAliases: ['alice', 'bob'] },
  { type: 'watch', id: 5, userAliases: ['alice', 'constructor', '__proto__'] },
  { type: 'unwatch', id: 6, userAliases: ['alice'] },
  { type: 'set_away', id: 7, away: true },
  { type: 'connect', id: 8, appId: 'demo', userAlias: 'alice', deviceId: 'desk', token: 'a.b.c' },
].map((frame) => JSON.stringify(frame));

export const mediaFrames = [
  { type: 'join', token: 'a.b.c' },
  { type: 'publish', kind: 'camera', sdp: 'v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\n' },
  { type: 'answer', sdp: 'v=0\r\n' },
  {
    type: 'candidate',
    peer: 'publisher',
    candidate: { candidate: 'candidate:1 1 udp 1 127.0.0.1 1 typ host', sdpMid: '0', sdpMLineIndex: 0 },
  },
  { type: 'candidate', peer: 'subscriber', candidate: null },
].map((frame) => JSON.stringify(frame));

const sip = (method: string, appId: string, more: string[]) =>
  [
    `${method} sip:bob@${appId} SIP/2.0`,
    'Via: SIP/2.0/UDP 127.0.0.1:5080;branch=z9hG4bKabc;rport',
    `From: <sip:phone@${appId}>;tag=one`,
    `To: <sip:bob@${appId}>`,
    'Call-ID: call@phone',
    `CSeq: 1 ${method}`,
    'Contact: <sip:phone@127.0.0.1:5080>',
    'Max-Forwards: 70',
    ...more,
    'Content-Length: 0',
    '',
    '',
  ].join('\r\n');

export const sipMessages = (appId: string) => [
  ...['presence', 'dialog', 'constructor'].map((event) => sip('SUBSCRIBE', appId, [`Event: ${event}`, 'Expires: 600'])),
  sip('OPTIONS', appId, []),
  sip('REGISTER', appId, ['Contact: *', 'Expires: 0']),
  sip('SUBSCRIBE', appId, [
    'Event: presence',
    `Authorization: Digest username="a", realm="${appId}", nonce="x.y", uri="sip:bob", response="z", cnonce="c", nc=00000001, qop=auth`,
  ]),
  sip('SUBSCRIBE', appId, ['Event: presence', `Authorization: Digest ${'a'.repeat(1900)}`]),
  sip('SUBSCRIBE', '%ff', ['Event: presence', 'Authorization: Digest a="b",\r\n c="d"']),
  'SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bKabc\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>;tag=2\r\nCall-ID: c\r\nCSeq: 1 NOTIFY\r\n\r\n',
];
