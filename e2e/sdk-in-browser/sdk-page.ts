import { fileURLToPath } from 'node:url';
import type { Call, CommunicationCenter, ConnectOptions, MediaTestReport, Reach } from '@communication-center/client';
import { type Browsers, eventually, type Fleet, type TestApp } from '@communication-center/testing';
import type { Page } from 'playwright-core';
import { rolldown } from 'rolldown';

/** What a page of these tests has in its window. */
interface Own {
  sdk: { CommunicationCenter: typeof CommunicationCenter };
  peers: RTCPeerConnection[];
  center: CommunicationCenter;
  call: Call;
  /** How the other was reached, whenever that changed, with the time of it by the page's clock. */
  reached: [reach: Reach, at: number][];
  isCut: boolean;
  __zod_globalConfig: { jitless: boolean };
}

declare const window: Window & typeof globalThis & Own;

let bundled: Promise<string> | undefined;

async function bundle(): Promise<string> {
  const input = fileURLToPath(new URL('../../libs/client/dist/index.js', import.meta.url));
  const build = await rolldown({ input, platform: 'browser', logLevel: 'silent' });
  const { output } = await build.generate({ format: 'iife', name: 'sdk' });
  return `${output[0].code}\n;window.sdk = sdk;`;
}

/** The SDK in a real browser, in a page that has nothing else. */
export class SdkPage {
  private constructor(
    readonly page: Page,
    private readonly options: ConnectOptions,
  ) {}

  static async open(browsers: Browsers, fleet: Fleet, app: TestApp, userAlias: string): Promise<SdkPage> {
    const page = await browsers.page(`${fleet.url}/`);
    const made = new SdkPage(page, { url: fleet.url, appId: app.appId, userAlias, token: await fleet.tokenOf(app, userAlias) });
    await made.connect();
    return made;
  }

  /** Loads the SDK into the page and connects, as an app does when its page is loaded. @returns the device's id. */
  async connect(more: Partial<ConnectOptions> = {}): Promise<string> {
    bundled ??= bundle();
    await this.page.evaluate(hookIn);
    await this.page.evaluate(await bundled);
    return this.page.evaluate(connect, { ...this.options, ...more });
  }

  async reload(): Promise<void> {
    await this.page.reload();
  }

  /** Dials, and sends what is wished. */
  async dial(callee: string | string[], sending: { audio?: boolean; video?: boolean } = {}): Promise<void> {
    await this.page.evaluate(
      ([aliases, wishes]) => {
        window.call = window.center.dial(aliases, { sending: wishes });
      },
      [[callee].flat(), sending] as const,
    );
  }

  /** From now on its microphone hears a tone, as loud as speech, while it is on. */
  async hearTone(isOn: boolean): Promise<void> {
    await this.page.evaluate((on) => {
      const own = window as unknown as { tone?: GainNode };
      if (!own.tone) {
        const audio = new AudioContext();
        const [oscillator, gain, out] = [audio.createOscillator(), audio.createGain(), audio.createMediaStreamDestination()];
        oscillator.connect(gain).connect(out);
        oscillator.start();
        own.tone = gain;
        const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
        navigator.mediaDevices.getUserMedia = async (wish) => {
          const stream = await ask(wish);
          for (const track of stream.getAudioTracks()) {
            stream.removeTrack(track);
            stream.addTrack(out.stream.getAudioTracks()[0]?.clone() as MediaStreamTrack);
          }
          return stream;
        };
      }
      own.tone.gain.value = on ? 0.5 : 0;
    }, isOn);
  }

  /** Tests how media would go, for a short while. @throws Error with the code of the refusal. */
  async testMedia(): Promise<MediaTestReport> {
    return this.page.evaluate(() =>
      window.center.testMedia({ seconds: 2 }).catch((error: { code?: string }) => {
        throw new Error(error.code ?? String(error));
      }),
    );
  }

  /** From now on its peer connections find no way to it. */
  async findNoNetwork(): Promise<void> {
    await this.page.evaluate(() => {
      const Peer = window.RTCPeerConnection;
      window.RTCPeerConnection = class extends Peer {
        constructor(config?: RTCConfiguration) {
          super({ ...config, iceServers: [], iceTransportPolicy: 'relay' });
        }
      };
    });
  }

  /** How its call ended, where it did. */
  async ended(): Promise<{ callId: string; end: Call['end'] }> {
    return this.page.evaluate(() => ({ callId: window.call.callId, end: window.call.end }));
  }

  /** Who speaks, by what the Center tells this page. */
  async speakers(): Promise<string[]> {
    return this.page.evaluate(() => window.call.speakers);
  }

  /** Plays what comes of somebody, as every page does that shows a call. */
  async plays(userAlias: string): Promise<void> {
    await this.page.evaluate(async (alias) => {
      const played = window.call.streams.find((one) => one.userAlias === alias);
      await Object.assign(new Audio(), { srcObject: played?.mediaStream }).play();
    }, userAlias);
  }

  /** How loud somebody is here, from 0 to 1. */
  async levelOf(userAlias: string): Promise<number> {
    return this.page.evaluate(
      (alias) =>
        Math.max(0, ...window.call.streams.flatMap((one) => (one.userAlias === alias ? window.call.audioLevelOf(one.streamId) : []))),
      userAlias,
    );
  }

  /** Shows the picture of somebody so high, in pixels; undefined: all of it. */
  async show(userAlias: string, height: number | undefined): Promise<void> {
    await this.page.evaluate(
      ([alias, px]) => {
        const stream = window.call.streams.find((one) => one.userAlias === alias);
        window.call.show(new Map(stream && px ? [[stream.streamId, px]] : []));
      },
      [userAlias, height] as const,
    );
  }

  /** In which sizes somebody sends a picture, and how high the one is that comes here. */
  async pictureOf(userAlias: string): Promise<{ layers: number[]; height: number; frames: number }> {
    return this.page.evaluate(async (alias) => {
      const stream = window.call.streams.find((one) => one.userAlias === alias);
      const id = stream?.mediaStream.getVideoTracks()[0]?.id;
      let [height, frames] = [0, 0];
      for (const peer of window.peers.filter(({ connectionState }) => connectionState === 'connected')) {
        const stats = (await peer.getStats()) as unknown as Map<string, Record<string, string | number>>;
        for (const entry of stats.values())
          if (entry.type === 'inbound-rtp' && entry.trackIdentifier === id)
            [height, frames] = [Number(entry.frameHeight ?? 0), Number(entry.framesDecoded ?? 0)];
      }
      return { layers: (stream?.layers ?? []).map((layer) => layer.height), height, frames };
    }, userAlias);
  }

  /** How high the pictures are that it sends of its camera just now, at once. */
  async sizesSent(): Promise<number[]> {
    return this.page.evaluate(async () => {
      const sent: number[] = [];
      for (const peer of window.peers.filter(({ connectionState }) => connectionState === 'connected'))
        for (const entry of (await peer.getStats()).values())
          if (entry.type === 'outbound-rtp' && entry.kind === 'video' && entry.active && entry.frameHeight) sent.push(entry.frameHeight);
      return sent;
    });
  }

  /** How many connections it has made so far. */
  async connections(): Promise<number> {
    return this.page.evaluate(() => window.peers.length);
  }

  /** Rings somebody into its call. */
  async invite(userAlias: string): Promise<void> {
    await this.page.evaluate((alias) => window.call.add([alias]), userAlias);
  }

  /** Takes up the call that rings, or is there, and follows how the other is reached. */
  async takeUp(other: string): Promise<void> {
    await eventually('a call', () => this.page.evaluate(() => window.center.activeCalls.length > 0));
    await this.page.evaluate((alias) => {
      const [call] = window.center.activeCalls;
      if (!call) return;
      window.call = call;
      window.reached = [];
      const note = () => {
        const reach = call.reachOf(alias);
        if (window.reached.at(-1)?.[0] !== reach) window.reached.push([reach, Date.now()]);
      };
      call.on('linkChanged', note);
      note();
    }, other);
  }

  async answer(): Promise<void> {
    await this.page.evaluate(() => window.call.answer());
  }

  get callId(): Promise<string> {
    return this.page.evaluate(() => window.call.callId);
  }

  async hangUp(): Promise<void> {
    await this.page.evaluate(() => window.call.hangUp());
  }

  async record(act: 'startRecording' | 'pauseRecording' | 'resumeRecording' | 'stopRecording'): Promise<void> {
    await this.page.evaluate((asked) => window.call[asked](), act);
  }

  /** What the page shows of a recording of the call; undefined while there is none. */
  async recording(): Promise<{ by: string | null; paused: boolean } | undefined> {
    return this.page.evaluate(() => {
      const { recording } = window.call;
      return recording && { by: recording.by, paused: recording.paused };
    });
  }

  async actOnBroadcast(act: 'startBroadcast' | 'stopBroadcast'): Promise<void> {
    await this.page.evaluate((asked) => window.call[asked](), act);
  }

  /** What the page shows of a broadcast of the call; undefined while there is none. */
  async broadcast(): Promise<{ by: string | null } | undefined> {
    return this.page.evaluate(() => window.call.broadcast && { by: window.call.broadcast.by });
  }

  async setSending(kind: 'audio' | 'video', on: boolean): Promise<void> {
    await this.page.evaluate(([one, wish]) => window.call.setSending(one, wish), [kind, on] as const);
  }

  async muteParticipant(userAlias: string, what: Partial<Record<'audio' | 'video', boolean>>): Promise<void> {
    await this.page.evaluate(([alias, media]) => window.call.muteParticipant(alias, media), [userAlias, what] as const);
  }

  async allowParticipant(userAlias: string, what: Partial<Record<'audio' | 'video', boolean>>): Promise<void> {
    await this.page.evaluate(([alias, media]) => window.call.allowParticipant(alias, media), [userAlias, what] as const);
  }

  /** Switches something on. @returns why not, where that is refused. */
  async refusalOfSending(kind: 'audio' | 'video'): Promise<{ code: string; by: string | null } | undefined> {
    return this.page.evaluate((one) => {
      try {
        window.call.setSending(one, true);
        return undefined;
      } catch (error) {
        const { code, by } = error as { code: string; by: string | null };
        return { code, by };
      }
    }, kind);
  }

  /** Sends camera and microphone past the SDK, whatever it says. @returns how many tracks are sent that were not. */
  async sendAll(): Promise<number> {
    return this.page.evaluate(async () => {
      let switchedOn = 0;
      for (const peer of window.peers.filter(({ connectionState }) => connectionState !== 'closed')) {
        for (const transceiver of peer.getTransceivers().filter(({ direction }) => direction === 'sendonly')) {
          const { sender, receiver } = transceiver;
          const kind = receiver.track.kind;
          if (sender.track?.enabled) continue;
          switchedOn += 1;
          if (sender.track) sender.track.enabled = true;
          else {
            const [track] = (await navigator.mediaDevices.getUserMedia({ [kind]: true })).getTracks();
            await sender.replaceTrack(track ?? null);
          }
        }
      }
      return switchedOn;
    });
  }

  /** Nothing of this page gets out any more, as far as a page can see to that: neither frames nor media. */
  async setCut(isCut: boolean): Promise<void> {
    await this.page.evaluate(async (cut) => {
      window.isCut = cut;
      for (const peer of window.peers) {
        for (const sender of peer.getSenders()) {
          const parameters = sender.getParameters();
          for (const encoding of parameters.encodings) encoding.active = !cut;
          await sender.setParameters(parameters).catch(() => undefined);
        }
      }
    }, isCut);
  }

  /** @returns what there is to see of the call, and what of its media has arrived. */
  async seen() {
    return this.page.evaluate(async () => {
      const arrived = { frames: 0, packets: 0, sentPackets: 0 };
      for (const peer of window.peers.filter(({ connectionState }) => connectionState !== 'closed')) {
        for (const entry of (await peer.getStats()).values()) {
          if (entry.type === 'outbound-rtp' && entry.kind === 'audio') arrived.sentPackets += entry.packetsSent ?? 0;
          if (entry.type !== 'inbound-rtp') continue;
          if (entry.kind === 'video') arrived.frames += entry.framesDecoded ?? 0;
          else arrived.packets += entry.packetsReceived ?? 0;
        }
      }
      const { phase, link, streams, sending } = window.call;
      const state = { audio: sending.audio.state, video: sending.video.state };
      return { phase, link, state, streams: streams.map((one) => one.sending), reached: window.reached, now: Date.now(), ...arrived };
    });
  }
}

function hookIn(): void {
  // What a test evaluates may make functions of texts, and what the page calls later may not: zod would be misled by that.
  window.__zod_globalConfig = { jitless: true };
  window.peers = [];
  window.isCut = false;
  const Peer = window.RTCPeerConnection;
  window.RTCPeerConnection = class extends Peer {
    constructor(config?: RTCConfiguration) {
      super(config);
      window.peers.push(this);
    }
  };
  const { send } = WebSocket.prototype;
  WebSocket.prototype.send = function (data) {
    if (!window.isCut) send.call(this, data);
  };
}

async function connect(options: ConnectOptions): Promise<string> {
  window.center = await window.sdk.CommunicationCenter.connect(options);
  // Told of rings, a device says that it rings.
  window.center.on('incomingCall', () => undefined);
  return window.center.deviceId;
}
