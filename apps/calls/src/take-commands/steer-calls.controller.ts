import {
  type CallId,
  type CallReply,
  callActionBodySchema,
  callIdSchema,
  inviteBodySchema,
  kickBodySchema,
} from '@communication-center/contracts';
import { appOfKey, PathParam } from '@communication-center/service';
import { Controller, HttpCode, Post } from '@nestjs/common';
import type { CommandOnCall } from '../domain/commands.js';
import { type Actor, actorOf, deviceOf, serverOrActorOf } from './actor.js';
import { type Asked, AskedBy } from './asked.js';
import { CallCommands } from './call-commands.js';
import { replyOf } from './calls.controller.js';

type Action = Asked<typeof callActionBodySchema>;
type Invitation = Asked<typeof inviteBodySchema>;

const CallIdParam = () => PathParam('callId', callIdSchema);

/** What changes a call that is under way: who is in it, and whether it has video. For its people and for servers. */
@Controller('v1/calls/:callId')
export class SteerCallsController {
  constructor(private readonly commands: CallCommands) {}

  /** Rings people who are not in the call, whether or not they ever were. */
  @Post('add')
  @HttpCode(200)
  async add(@CallIdParam() callId: CallId, @AskedBy(inviteBodySchema) asked: Invitation): Promise<CallReply> {
    return this.#invite(callId, asked, false);
  }

  /** Rings people again who declined, missed the call or left it. */
  @Post('ring')
  @HttpCode(200)
  async ring(@CallIdParam() callId: CallId, @AskedBy(inviteBodySchema) asked: Invitation): Promise<CallReply> {
    return this.#invite(callId, asked, true);
  }

  @Post('kick')
  @HttpCode(200)
  async kick(@CallIdParam() callId: CallId, @AskedBy(kickBodySchema) { subject, body }: Asked<typeof kickBodySchema>): Promise<CallReply> {
    const { userAlias: by, ...actor } = serverOrActorOf(subject, body);
    return this.#act(actor, { type: 'Kick', callId, by, userAlias: body.participant });
  }

  /** Ends the call for everyone. For servers alone: people hang up. */
  @Post('end')
  @HttpCode(200)
  async end(@CallIdParam() callId: CallId, @AskedBy(callActionBodySchema) { subject, body }: Action): Promise<CallReply> {
    appOfKey(subject, 'calls');
    return this.#act(serverOrActorOf(subject, body), { type: 'EndCall', callId });
  }

  @Post('request-upgrade')
  @HttpCode(200)
  async requestUpgrade(@CallIdParam() callId: CallId, @AskedBy(callActionBodySchema) { subject, body }: Action): Promise<CallReply> {
    const actor = actorOf(subject, body, callId);
    return this.#act(actor, { type: 'RequestUpgrade', callId, userAlias: actor.userAlias, deviceId: deviceOf(actor) });
  }

  @Post('accept-upgrade')
  @HttpCode(200)
  async acceptUpgrade(@CallIdParam() callId: CallId, @AskedBy(callActionBodySchema) { subject, body }: Action): Promise<CallReply> {
    const actor = actorOf(subject, body, callId);
    return this.#act(actor, { type: 'AcceptUpgrade', callId, userAlias: actor.userAlias, deviceId: deviceOf(actor) });
  }

  @Post('refuse-upgrade')
  @HttpCode(200)
  async refuseUpgrade(@CallIdParam() callId: CallId, @AskedBy(callActionBodySchema) { subject, body }: Action): Promise<CallReply> {
    const { userAlias, deviceId, ...actor } = actorOf(subject, body, callId);
    return this.#act(actor, { type: 'RefuseUpgrade', callId, userAlias, deviceId });
  }

  async #invite(callId: CallId, { subject, body }: Invitation, again: boolean): Promise<CallReply> {
    const { userAlias: by, ...actor } = serverOrActorOf(subject, body);
    const ringSeconds = body.ringSeconds && { ringSeconds: body.ringSeconds };
    const asked = { type: 'InviteToCall', callId, by, callees: body.callees, again, ...ringSeconds } as const;
    return replyOf(await this.commands.ring(actor.appId, actor.key, asked, ({ callWaiting }) => ({ ...asked, callWaiting })));
  }

  async #act({ appId, key }: Pick<Actor, 'appId' | 'key'>, command: CommandOnCall): Promise<CallReply> {
    return replyOf(await this.commands.act(appId, command, key));
  }
}
