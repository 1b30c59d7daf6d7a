/*
 * A device with an old SDK, run inside a project that has only that: it does what it is told on its standard input, a JSON line
 * each, and prints what it hears, a JSON line each. What it uses is what the oldest client here had.
 */
import { createInterface } from 'node:readline';
import { CommunicationCenter } from '@communication-center/client';

const tell = (what, about = {}) => console.log(JSON.stringify({ what, ...about }));

/* Of a browser's media as much as an SDK needs to join its media socket; there is nothing to send. */
globalThis.MediaStream = class {
  getTracks = () => [];
};
globalThis.RTCPeerConnection = class {
  constructor({ iceServers }) {
    if (!Array.isArray(iceServers)) throw new TypeError('iceServers is no list');
  }
  getSenders() {
    tell('joined its media');
    return [];
  }
  close() {}
};

const center = await CommunicationCenter.connect({ media: false, ...JSON.parse(process.argv[2]) });
let current;

function follow(call) {
  current = call;
  for (const event of ['ringing', 'answered', 'connected']) call.on(event, () => tell(event));
  for (const event of ['declined', 'left']) call.on(event, (who, reason) => tell(event, { who, reason }));
  call.on('ended', ({ reason }) => tell('ended', { reason }));
}

const acts = {
  call: async ({ callee }) => follow(await center.call([callee])),
  answer: () => current.answer(),
  decline: ({ reason }) => current.decline({ reason }),
  hangUp: () => current.hangUp(),
  watch: ({ userAlias }) => center.watch([userAlias], ({ status }) => tell('presence', { status })),
  history: async () => tell('history', { outcomes: (await center.history()).calls.map(({ parts }) => parts.length) }),
  close: () => {
    center.close();
    process.stdin.destroy();
  },
};

center.on('incomingCall', (call) => {
  follow(call);
  tell('incomingCall');
});
tell('connected to the Center');
for await (const line of createInterface({ input: process.stdin })) {
  const { act, ...how } = JSON.parse(line);
  try {
    await acts[act](how);
    tell(`done: ${act}`);
  } catch (error) {
    tell('refused', { act, code: error.code, message: error.message });
  }
}
