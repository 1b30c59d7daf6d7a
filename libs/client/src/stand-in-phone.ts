import type { Call } from './call.js';
import { CommunicationCenter, type ConnectOptions } from './communication-center.js';
import { aCall, callId, connected, StandInCenter, type StandInSocket } from './stand-in-center.js';
import { StandInDevices } from './stand-in-media.js';

const media = { url: 'wss://media.example.com', token: 't', expiresAt: '', generation: 1, iceServers: [] };
export const up = { status: 'connected', answeredAt: '2026-01-01T00:00:00.000Z' };
export const talking = aCall({ ...up, sequence: 3, participants: [connected('alice'), connected('bob')] });
export const bobCamera = {
  streamId: 's1',
  userAlias: 'bob',
  deviceId: 'bob-phone',
  kind: 'camera',
  sending: { audio: 'on', video: 'off' },
};

/** Alice's device in a test, on a Center and a media door that let it in, with a camera and a microphone. */
export class StandInPhone {
  readonly there = new StandInCenter();
  readonly devices = new StandInDevices();

  /** @param put puts a global of the platform in place. */
  constructor(put: (name: string, value: unknown) => unknown) {
    this.devices.install(put);
    this.there.onFrame = (socket, frame) => {
      if (frame.type === 'join')
        socket.tell({ type: 'joined', callId, streams: [bobCamera], knows: ['sending', 'ping.nextWithinMs', 'publish.again', 'screen'] });
      if (frame.type === 'credentials') socket.tell({ type: 'reply', id: frame.id, result: { callId, sequence: 3, call: talking, media } });
    };
  }

  connect(options: Partial<ConnectOptions> = {}): Promise<CommunicationCenter> {
    return CommunicationCenter.connect({
      url: 'https://center.example.com',
      appId: 'demo',
      userAlias: 'alice',
      token: 'a token',
      deviceId: 'alice-phone',
      webSocket: this.there.webSocket,
      ...options,
    });
  }

  /** Connects while it is in a call with bob, as after a reload. */
  async back(options: Partial<ConnectOptions> = {}): Promise<{ center: CommunicationCenter; call: Call }> {
    this.there.calls = [talking];
    const center = await this.connect({ media: true, ...options });
    const [call] = center.activeCalls;
    if (!call) throw new Error('The call is not there');
    // Its media is joined some turns later.
    for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
    return { center, call };
  }

  /** The last socket to the center, or to the media door. */
  socketTo(where: 'center' | 'media'): StandInSocket {
    const socket = this.there.sockets.findLast(({ url }) => url.includes(`//${where}`));
    if (!socket) throw new Error(`There is no socket to the ${where}`);
    return socket;
  }

  /** The network is gone: nothing said is heard. @returns what brings it back, but for sockets that do not know it yet. */
  cut(): (unaware?: StandInSocket) => void {
    const { there } = this;
    const { answer } = there;
    there.isReached = false;
    there.answer = () => undefined;
    return (unaware) => {
      there.isReached = true;
      there.answer = (socket, frame) => (socket === unaware ? undefined : answer.call(there, socket, frame));
    };
  }
}
