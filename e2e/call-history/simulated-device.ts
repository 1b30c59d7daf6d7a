import { type Call, CenterError, CommunicationCenter } from '@communication-center/client';
import { type CallState, callStateSchema, type UserTokenView } from '@communication-center/contracts';
import { FlakyLine, type Fleet, type TestApp } from '@communication-center/testing';
import type { AskedCommand, DeviceEvidence } from './evidence.js';

/** One device of a simulated user, that remembers all it saw and asked. */
export class SimulatedDevice {
  readonly commands: AskedCommand[] = [];
  readonly #rings: DeviceEvidence['rings'] = [];
  readonly #calls = new Map<string, CallState>();
  readonly #online: DeviceEvidence['online'] = [];
  readonly #left: Call[] = [];
  #onlineSince: number | undefined;

  private constructor(
    readonly center: CommunicationCenter,
    private readonly line: FlakyLine,
  ) {
    center.on('incomingCall', (call) => this.#onRing(call));
    center.on('callChanged', (call) => this.#onChange(call));
    center.on('connection', (state) => this.#onConnection(state));
    this.#onConnection(center.connectionState);
  }

  static async start(fleet: Fleet, app: TestApp, userAlias: string, number: number): Promise<SimulatedDevice> {
    const doors = fleet.replicasOf('gateway').map((replica) => `http://127.0.0.1:${fleet.state.ports[replica]}`);
    const line = await FlakyLine.open(doors, number);
    const deviceId = `${userAlias}-${number}`;
    const minted = await fleet.rest<UserTokenView>('POST', '/v1/user-tokens', app.key, { userAlias, expiresInSeconds: 86_400 });
    const { token } = minted.body;
    const center = await CommunicationCenter.connect({ url: line.url, appId: app.appId, userAlias, deviceId, token, media: false });
    return new SimulatedDevice(center, line);
  }

  get ringing(): Call[] {
    return this.center.activeCalls.filter(({ phase }) => phase === 'ringing');
  }

  /** The call this very device is in, or dials. */
  get current(): Call | undefined {
    return this.center.activeCalls.find(({ phase }) => phase !== 'ringing');
  }

  /** What it was told last of each of its calls. */
  get known(): CallState[] {
    return [...this.#calls.values()];
  }

  /** A call that this user left and the others go on with. */
  get lastLeft(): Call | undefined {
    return this.#left.findLast(({ phase, state }) => phase === 'ended' && state.status === 'connected');
  }

  /** Asks the Center for something and remembers how it was answered. */
  async ask(type: string, work: () => Promise<Call | undefined>): Promise<void> {
    const asked = { userAlias: this.center.userAlias, deviceId: this.center.deviceId, type, askedAt: Date.now() };
    try {
      const call = await work();
      this.commands.push({ ...asked, answeredAt: Date.now(), callId: call?.callId });
    } catch (error) {
      const refused = error instanceof CenterError ? error.code : 'unknown';
      this.commands.push({ ...asked, answeredAt: Date.now(), refused, callId: error instanceof CenterError ? error.callId : undefined });
    }
  }

  /** Breaks its connection; the SDK connects anew, through another gateway. */
  drop(): void {
    this.line.cut();
  }

  evidence(): DeviceEvidence {
    const { userAlias, deviceId, connectionState } = this.center;
    const now = this.#onlineSince === undefined ? [] : [{ from: this.#onlineSince, to: Date.now() }];
    return {
      userAlias,
      deviceId,
      connected: connectionState === 'connected',
      online: [...this.#online, ...now],
      rings: this.#rings,
      calls: [...this.#calls.values()],
      stillActive: this.center.activeCalls.map(({ callId }) => callId),
    };
  }

  async stop(): Promise<void> {
    this.center.close();
    await this.line.close();
  }

  /** Of a Center of its own release a device meets nothing that it does not know. */
  #keep(call: Call): void {
    this.#calls.set(call.callId, callStateSchema.parse(call.state));
  }

  #onChange(call: Call): void {
    this.#keep(call);
    if (call.phase === 'ended' && call.state.status === 'connected' && !this.#left.includes(call)) this.#left.push(call);
  }

  #onRing(call: Call): void {
    this.#keep(call);
    this.#rings.push({ callId: call.callId, ringId: call.ringId ?? '', at: Date.now() });
  }

  #onConnection(state: string): void {
    if (state === 'connected') this.#onlineSince = Date.now();
    else if (this.#onlineSince !== undefined) {
      this.#online.push({ from: this.#onlineSince, to: Date.now() });
      this.#onlineSince = undefined;
    }
  }
}
