import { type CallReply, callReplySchema, type Profile, type ServerFrame, type Subject } from '@communication-center/contracts';
import { ProblemError } from '@communication-center/service';
import { Injectable } from '@nestjs/common';
import { Services } from '../services.js';
import { type CommandFrame, type Device, socketErrorOf } from './device-socket.js';

/** A frame that a service answers. */
type ServiceFrame = Exclude<CommandFrame, { type: 'watch' | 'unwatch' | 'set_away' }>;

// Long enough for a service that is restarted; a repeat is safe, because every command carries its id.
const retryForMs = 10_000;

const actions = {
  ringing: 'ringing',
  answer: 'answer',
  decline: 'decline',
  ignore: 'ignore',
  join: 'join',
  hang_up: 'hang-up',
  add: 'add',
  ring: 'ring',
  kick: 'kick',
  request_upgrade: 'request-upgrade',
  accept_upgrade: 'accept-upgrade',
  refuse_upgrade: 'refuse-upgrade',
  credentials: 'credentials',
} as const;

/** Hands a socket's command to the service that owns it and turns the answer into a frame. */
@Injectable()
export class CarryOut {
  constructor(private readonly services: Services) {}

  async carryOut(device: Device, frame: ServiceFrame): Promise<ServerFrame> {
    try {
      if (frame.type === 'profiles') return { type: 'profiles', id: frame.id, profiles: await this.#profiles(device, frame.userAliases) };
      return { type: 'reply', id: frame.id, result: await this.#command(device, frame) };
    } catch (error) {
      if (error instanceof ProblemError) return { type: 'error', id: frame.id, error: socketErrorOf(error) };
      return { type: 'error', id: frame.id, error: { code: 'internal_error', message: 'The Center failed; try again' } };
    }
  }

  async #command(
    { appId, userAlias, deviceId }: Device,
    { id: _, ...frame }: Exclude<ServiceFrame, { type: 'profiles' }>,
  ): Promise<CallReply> {
    const subject: Subject = { kind: 'user', appId, userAlias, deviceId };
    const { type, ...body } = frame;
    const path = frame.type === 'dial' ? '/v1/calls' : `/v1/calls/${frame.callId}/${actions[frame.type]}`;
    return callReplySchema.parse(await this.services.calls.send({ method: 'POST', path, body, subject, timeoutMs: 5000, retryForMs }));
  }

  async #profiles({ appId }: Device, userAliases: string[]): Promise<Profile[]> {
    const answer = await this.services.directory.send<{ profiles: Profile[] }>({
      method: 'POST',
      path: `/internal/apps/${appId}/profiles`,
      body: { userAliases },
      retryForMs: 2000,
    });
    return answer.profiles;
  }
}
