import { randomUUID } from 'node:crypto';
import type { CallFrame, CallId, CallReply, CommandId, Profile, ServerFrame } from '@communication-center/contracts';
import { internal } from '@communication-center/contracts/internal';
import { ProblemError, problemOf, Report, type ReportError } from '@communication-center/service';
import { Inject, Injectable } from '@nestjs/common';
import type { CommandFrame } from '../domain/frame-lanes.js';
import { Services } from '../services.js';
import { type AskedOfCalls, CommandsTogether } from './commands-together.js';
import type { DeviceSocket } from './device-socket.js';
import { Dials } from './dials.js';
import type { Device, DialedEvent } from './socket-owner.js';

/** A frame that a service answers. */
type ServiceFrame = Exclude<CommandFrame, { type: 'watch' | 'unwatch' | 'set_away' | 'device_ringing' }>;
type DialFrame = CallFrame & { type: 'dial' };
type ActFrame = Exclude<CallFrame, DialFrame>;

// Long enough for a service that is restarted; a repeat is safe, because every command carries its id. A refusal is not repeated.
const retryForMs = 10_000;

/** These bring a device into a call: once its socket is gone they are not begun, nor tried again. A client that is back repeats them. */
const entering = new Set<ActFrame['type']>(['answer', 'join']);

/** Hands a socket's command to the service that owns it and turns the answer into a frame. */
@Injectable()
export class CarryOut {
  readonly #dials = new WeakMap<DeviceSocket, Dials>();

  constructor(
    private readonly services: Services,
    private readonly calls: CommandsTogether,
    @Inject(Report) private readonly report: ReportError,
  ) {}

  async carryOut(socket: DeviceSocket, device: Device, frame: ServiceFrame): Promise<ServerFrame> {
    try {
      switch (frame.type) {
        case 'profiles':
          return { type: 'profiles', id: frame.id, profiles: await this.#profiles(device, frame.userAliases) };
        case 'dial':
          return { type: 'reply', id: frame.id, result: await this.#dial(socket, device, frame) };
        case 'cancel_dial':
          this.#cancel(socket, device, frame.commandId);
          return { type: 'done', id: frame.id };
        default:
          return { type: 'reply', id: frame.id, result: await this.#act(socket, device, frame) };
      }
    } catch (error) {
      if (!(error instanceof ProblemError)) this.report(error, 'carrying out a frame');
      return { type: 'error', id: frame.id, error: problemOf(error).toSocketError() };
    }
  }

  /** Hangs a call up that was made by a dial of this device which it has taken back since. */
  heardOfDial(socket: DeviceSocket, device: Device, event: DialedEvent): void {
    const { initiator, initiatorDevice } = event.data;
    if (initiator !== device.userAlias || initiatorDevice !== device.deviceId) return;
    if (this.#dials.get(socket)?.heard(event)) this.#hangUp(device, event.callid);
  }

  /** Takes a device whose credential has ended out of its calls. */
  endCalls(device: Device, callIds: readonly CallId[]): void {
    for (const callId of callIds) this.#hangUp(device, callId);
  }

  async #dial(socket: DeviceSocket, device: Device, frame: DialFrame): Promise<CallReply> {
    const { commandId, callees } = frame;
    const dials = this.#dialsOf(socket);
    const dial = dials.begin(commandId, callees);
    try {
      requireGoingOn(dial.isOver);
      const reply = await this.#send(device, frame, dial.isOver);
      dials.settle(commandId);
      if (dial.isCancelled) this.#hangUp(device, reply.callId);
      return reply;
    } catch (error) {
      const mayHaveMadeOne = error instanceof ProblemError && error.cause !== undefined;
      if (mayHaveMadeOne && dial.isCancelled && !dial.callId) dials.doubt(commandId);
      else dials.settle(commandId);
      throw dial.isCancelled ? new ProblemError('dial_cancelled') : error;
    }
  }

  #cancel(socket: DeviceSocket, device: Device, commandId: CommandId): void {
    const dial = this.#dialsOf(socket).cancel(commandId);
    if (dial?.callId) this.#hangUp(device, dial.callId);
  }

  async #act(socket: DeviceSocket, device: Device, frame: ActFrame): Promise<CallReply> {
    const until = entering.has(frame.type) ? socket.gone : undefined;
    requireGoingOn(until);
    return this.#send(device, frame, until);
  }

  #hangUp(device: Device, callId: CallId): void {
    this.#send(device, { type: 'hang_up', id: 0, callId, commandId: randomUUID() as CommandId }).catch((error: unknown) => {
      // One that is over already needs nothing more.
      if (!(error instanceof ProblemError) || error.cause) this.report(error, 'hanging up a call for a device');
    });
  }

  async #send(device: Device, frame: CallFrame, retryUntil?: AbortSignal): Promise<CallReply> {
    const subject = subjectOf(device);
    return this.calls.carryOut({ subject, frame }, { retryForMs, ...(retryUntil && { retryUntil }) });
  }

  #dialsOf(socket: DeviceSocket): Dials {
    const known = this.#dials.get(socket);
    if (known) return known;
    const made = new Dials(socket);
    this.#dials.set(socket, made);
    return made;
  }

  async #profiles({ appId }: Device, userAliases: string[]): Promise<Profile[]> {
    const asking = { params: { appId }, body: { userAliases } };
    return (await this.services.directory.ask(internal.profiles, asking, { retryForMs: 2000 })).profiles;
  }
}

function requireGoingOn(until: AbortSignal | undefined): void {
  if (until?.aborted) throw new ProblemError('service_unavailable', 'The socket is closed');
}

/** @returns in whose name a device acts. */
function subjectOf({ appId, userAlias, deviceId, token, ring }: Device): AskedOfCalls['subject'] {
  const who = { appId, userAlias, deviceId };
  return ring && token ? { kind: 'ring', ...who, ...ring, token } : { kind: 'user', ...who, ...(token && { token }) };
}
