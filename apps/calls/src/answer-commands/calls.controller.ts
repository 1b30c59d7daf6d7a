import {
  type CallId,
  type CallReply,
  type CallState,
  callActionBodySchema,
  callIdSchema,
  createCallBodySchema,
  type DeviceId,
  declineCallBodySchema,
  type MediaCredentials,
  type Subject,
} from '@communication-center/contracts';
import { From, JsonBody, PathParam, Postgres, ProblemError } from '@communication-center/service';
import { Controller, HttpCode, Post } from '@nestjs/common';
import { v7 as uuidv7 } from 'uuid';
import type { z } from 'zod';
import type { Command, DialCall } from '../domain/commands.js';
import { statesOfCalls } from '../event-store/call-store.js';
import { Directory } from '../follow-directory/user-settings.js';
import { MediaCredentialsOffice } from '../media-credentials/media-credentials.js';
import { type Actor, actorOf, deviceOf } from './actor.js';
import { CallCommands } from './call-commands.js';
import { PublishLag } from './publish-lag.js';

type ActionBody = z.infer<typeof callActionBodySchema>;
type DeclineBody = z.infer<typeof declineCallBodySchema>;

const CallIdParam = () => PathParam('callId', callIdSchema);

/** The doors for commands: the same for a socket's frames, which the gateway sends here, and for servers. */
@Controller('v1/calls')
export class CallsController {
  constructor(
    private readonly commands: CallCommands,
    private readonly directory: Directory,
    private readonly media: MediaCredentialsOffice,
    private readonly lag: PublishLag,
    private readonly database: Postgres,
  ) {}

  @Post()
  async dial(@From() subject: Subject, @JsonBody(createCallBodySchema) body: z.infer<typeof createCallBodySchema>): Promise<CallReply> {
    const actor = actorOf(subject, body);
    await this.lag.requireSmall();
    await this.directory.requireUsers(actor.appId, [actor.userAlias, ...body.callees]);
    const options = await this.directory.optionsOf(actor.appId);
    const call = await this.commands.dial(
      actor.appId,
      {
        type: 'DialCall',
        callId: uuidv7() as CallId,
        initiator: actor.userAlias,
        initiatorDevice: actor.deviceId,
        callees: body.callees,
        callType: body.callType,
        ringSeconds: body.ringSeconds ?? options.ringSeconds,
        maxDurationSeconds: Math.min(body.maxDurationSeconds ?? options.maxDurationSeconds, options.maxDurationSeconds),
        maxParticipants: options.maxParticipants,
        ...(body.customData && { customData: body.customData }),
      },
      actor.key,
    );
    return this.#withMedia(actor, call);
  }

  @Post(':callId/ringing')
  @HttpCode(200)
  async ringing(@From() subject: Subject, @CallIdParam() callId: CallId, @JsonBody(callActionBodySchema) body: ActionBody) {
    const { userAlias, deviceId, ...actor } = actorOf(subject, body);
    return this.#act(actor, { type: 'ConfirmRinging', callId, userAlias, deviceId });
  }

  @Post(':callId/answer')
  @HttpCode(200)
  async answer(@From() subject: Subject, @CallIdParam() callId: CallId, @JsonBody(callActionBodySchema) body: ActionBody) {
    const actor = actorOf(subject, body);
    const { call } = await this.#act(actor, { type: 'AnswerCall', callId, userAlias: actor.userAlias, deviceId: deviceOf(actor) });
    return this.#withMedia(actor, call);
  }

  @Post(':callId/decline')
  @HttpCode(200)
  async decline(@From() subject: Subject, @CallIdParam() callId: CallId, @JsonBody(declineCallBodySchema) body: DeclineBody) {
    const { userAlias, deviceId, ...actor } = actorOf(subject, body);
    return this.#act(actor, { type: 'DeclineCall', callId, userAlias, deviceId, reason: body.reason });
  }

  @Post(':callId/ignore')
  @HttpCode(200)
  async ignore(@From() subject: Subject, @CallIdParam() callId: CallId, @JsonBody(callActionBodySchema) body: ActionBody) {
    const actor = actorOf(subject, body);
    return this.#act(actor, { type: 'IgnoreCall', callId, userAlias: actor.userAlias, deviceId: deviceOf(actor) });
  }

  @Post(':callId/hang-up')
  @HttpCode(200)
  async hangUp(@From() subject: Subject, @CallIdParam() callId: CallId, @JsonBody(callActionBodySchema) body: ActionBody) {
    const { userAlias, deviceId, ...actor } = actorOf(subject, body);
    return this.#act(actor, { type: 'HangUp', callId, userAlias, deviceId });
  }

  @Post(':callId/credentials')
  @HttpCode(200)
  async credentials(
    @From() subject: Subject,
    @CallIdParam() callId: CallId,
    @JsonBody(callActionBodySchema) body: ActionBody,
  ): Promise<CallReply> {
    const actor = actorOf(subject, body);
    const [call] = await statesOfCalls(this.database, actor.appId, [callId]);
    if (!call) throw new ProblemError('call_not_found');
    return { ...replyOf(call), media: await this.media.issue(actor.appId, call, actor.userAlias, deviceOf(actor)) };
  }

  async #act({ appId, key }: Pick<Actor, 'appId' | 'key'>, command: Exclude<Command, DialCall>): Promise<CallReply> {
    return replyOf(await this.commands.act(appId, command, key));
  }

  async #withMedia(actor: Actor, call: CallState): Promise<CallReply> {
    const media = await this.#mediaFor(actor, call, actor.deviceId);
    return { ...replyOf(call), ...(media !== undefined && { media }) };
  }

  async #mediaFor(actor: Actor, call: CallState, deviceId: DeviceId | null): Promise<MediaCredentials | null | undefined> {
    if (!deviceId || call.status === 'ended') return undefined;
    return this.media.issueIfPossible(actor.appId, call, actor.userAlias, deviceId);
  }
}

function replyOf(call: CallState): CallReply {
  return { callId: call.callId, sequence: call.sequence, call };
}
