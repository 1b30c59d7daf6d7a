import type { CallId, ServerFrame } from '@communication-center/contracts';
import { Report, type ReportError } from '@communication-center/service';
import { FairShare } from '@communication-center/service/fair-share';
import { Inject, Injectable } from '@nestjs/common';
import { type CommandFrame } from '../domain/frame-lanes.js';
import { mayByRingToken } from '../domain/ring-rights.js';
import { kindOfFrame } from '../fair-share/act-kinds.js';
import { CarryOut } from './carry-out.js';
import { ConfirmedRings } from './confirmed-rings.js';
import { DeviceSessions } from './device-sessions.js';
import type { DeviceSocket } from './device-socket.js';
import type { Device } from './socket-owner.js';
import { Watchers } from './watchers.js';

/** Answers what devices that are connected ask. */
@Injectable()
export class AnswerFrames {
  constructor(
    private readonly sessions: DeviceSessions,
    private readonly commands: CarryOut,
    private readonly rings: ConfirmedRings,
    private readonly watchers: Watchers,
    private readonly shares: FairShare,
    @Inject(Report) private readonly report: ReportError,
  ) {}

  /** @returns `done`, the reply to a command, or an `error` that says what the device may not, or not now. */
  async answer(socket: DeviceSocket, device: Device, frame: CommandFrame): Promise<ServerFrame> {
    const { ring, appId, userAlias } = device;
    if (ring && !mayByRingToken(frame, ring.callId)) {
      const message = 'A ring token is for its ring, and the call that comes of it, alone; send refresh with a user token';
      return { type: 'error', id: frame.id, error: { code: 'forbidden', message } };
    }
    const kind = kindOfFrame(frame.type);
    const refused = kind && (await this.shares.take(kind, { subject: { kind: 'user', appId, userAlias } })).refused;
    if (refused) return { type: 'error', id: frame.id, error: refused.toSocketError() };
    switch (frame.type) {
      case 'watch':
        return this.watchers.watch(socket, device, frame);
      case 'unwatch':
        return this.watchers.unwatch(socket, device, frame);
      case 'set_away':
        return this.#setAway(device, frame);
      case 'device_ringing':
        this.#confirm(socket, device, frame.callId);
        return { type: 'done', id: frame.id };
      case 'ringing':
        this.#confirm(socket, device, frame.callId);
        return this.commands.carryOut(socket, device, frame);
      default:
        return this.commands.carryOut(socket, device, frame);
    }
  }

  /** A ring that is over, or that the socket never heard of, is nobody's. */
  #confirm(socket: DeviceSocket, { appId, userAlias, deviceId, ring }: Device, callId: CallId): void {
    const sequence = socket.ringing(callId);
    if (sequence === undefined) return;
    this.rings.confirm({ appId, userAlias, deviceId, callId, sequence, through: ring ? 'push' : 'socket' });
  }

  async #setAway(device: Device, { id, away }: CommandFrame & { type: 'set_away' }): Promise<ServerFrame> {
    try {
      await this.sessions.change(device, { away });
      return { type: 'done', id };
    } catch (error) {
      this.report(error, 'noting that a device is away');
      return { type: 'error', id, error: { code: 'service_unavailable', message: 'This cannot be noted now; try again' } };
    }
  }
}
