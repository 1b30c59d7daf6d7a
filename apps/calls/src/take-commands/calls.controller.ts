import {
  answerCallBodySchema,
  type CallId,
  type CallReply,
  type CallState,
  callActionBodySchema,
  callIdSchema,
  createCallBodySchema,
  declineCallBodySchema,
  type RecordingId,
} from '@communication-center/contracts';
import { PathParam, Postgres, ProblemError } from '@communication-center/service';
import { Controller, HttpCode, Post } from '@nestjs/common';
import { v7 as uuidv7 } from 'uuid';
import type { CommandOnCall } from '../domain/commands.js';
import { dialWithin } from '../domain/dial-terms.js';
import { statesOfCalls } from '../event-store/kept-states.js';
import { MediaCredentialsOffice } from '../media-credentials/media-credentials.js';
import { type Actor, actorOf, deviceOf } from './actor.js';
import { type Asked, AskedBy } from './asked.js';
import { CallCommands } from './call-commands.js';

type Action = Asked<typeof callActionBodySchema>;

const CallIdParam = () => PathParam('callId', callIdSchema);

/** What a person does with a call on a device: the same doors for a socket's frames, which the gateway sends here, and for servers. */
@Controller('v1/calls')
export class CallsController {
  constructor(
    private readonly commands: CallCommands,
    private readonly media: MediaCredentialsOffice,
    private readonly database: Postgres,
  ) {}

  @Post()
  async dial(@AskedBy(createCallBodySchema) { subject, body }: Asked<typeof createCallBodySchema>): Promise<CallReply> {
    const actor = actorOf(subject, body);
    const { userAlias: initiator, deviceId: initiatorDevice } = actor;
    const { commandId: _, ...terms } = body;
    const asked = { type: 'DialCall', ...terms, userAlias: initiator, deviceId: initiatorDevice };
    const call = await this.commands.ring(actor.appId, actor.key, asked, (options) => {
      if (body.record && subject.kind !== 'key' && !options.usersMayRecord) {
        throw new ProblemError('forbidden', 'record: the app lets servers alone record: see usersMayRecord');
      }
      const recordingId = uuidv7() as RecordingId;
      return dialWithin(options, body, { callId: uuidv7() as CallId, initiator, initiatorDevice, recordingId });
    });
    return this.#withMedia(actor, call);
  }

  @Post(':callId/ringing')
  @HttpCode(200)
  async ringing(@CallIdParam() callId: CallId, @AskedBy(callActionBodySchema) { subject, body }: Action): Promise<CallReply> {
    const { userAlias, deviceId, ...actor } = actorOf(subject, body, callId);
    return this.#act(actor, { type: 'ConfirmRinging', callId, userAlias, deviceId });
  }

  @Post(':callId/answer')
  @HttpCode(200)
  async answer(
    @CallIdParam() callId: CallId,
    @AskedBy(answerCallBodySchema) { subject, body }: Asked<typeof answerCallBodySchema>,
  ): Promise<CallReply> {
    const actor = actorOf(subject, body, callId);
    const { userAlias } = actor;
    if (subject.kind === 'ring' && body.hangUpOther) throw new ProblemError('forbidden', 'A ring token hangs up no other call');
    const hangUpOther = body.hangUpOther && { hangUpOther: true };
    this.media.prepare(actor.appId);
    const { call } = await this.#act(actor, { type: 'AnswerCall', callId, userAlias, deviceId: deviceOf(actor), ...hangUpOther });
    return this.#withMedia(actor, call);
  }

  @Post(':callId/join')
  @HttpCode(200)
  async join(@CallIdParam() callId: CallId, @AskedBy(callActionBodySchema) { subject, body }: Action): Promise<CallReply> {
    const actor = actorOf(subject, body);
    this.media.prepare(actor.appId);
    const { call } = await this.#act(actor, { type: 'JoinCall', callId, userAlias: actor.userAlias, deviceId: deviceOf(actor) });
    return this.#withMedia(actor, call);
  }

  @Post(':callId/decline')
  @HttpCode(200)
  async decline(
    @CallIdParam() callId: CallId,
    @AskedBy(declineCallBodySchema) { subject, body }: Asked<typeof declineCallBodySchema>,
  ): Promise<CallReply> {
    const { userAlias, deviceId, ...actor } = actorOf(subject, body, callId);
    return this.#act(actor, { type: 'DeclineCall', callId, userAlias, deviceId, reason: body.reason });
  }

  @Post(':callId/ignore')
  @HttpCode(200)
  async ignore(@CallIdParam() callId: CallId, @AskedBy(callActionBodySchema) { subject, body }: Action): Promise<CallReply> {
    const actor = actorOf(subject, body, callId);
    return this.#act(actor, { type: 'IgnoreCall', callId, userAlias: actor.userAlias, deviceId: deviceOf(actor) });
  }

  @Post(':callId/hang-up')
  @HttpCode(200)
  async hangUp(@CallIdParam() callId: CallId, @AskedBy(callActionBodySchema) { subject, body }: Action): Promise<CallReply> {
    const { userAlias, deviceId, ...actor } = actorOf(subject, body, callId);
    return this.#act(actor, { type: 'HangUp', callId, userAlias, deviceId });
  }

  @Post(':callId/credentials')
  @HttpCode(200)
  async credentials(@CallIdParam() callId: CallId, @AskedBy(callActionBodySchema) { subject, body }: Action): Promise<CallReply> {
    const actor = actorOf(subject, body, callId);
    const [call] = await statesOfCalls(this.database, actor.appId, [callId]);
    if (!call) throw new ProblemError('call_not_found');
    return { ...replyOf(call), media: await this.media.issue(call, { ...actor, deviceId: deviceOf(actor) }) };
  }

  async #act({ appId, key }: Pick<Actor, 'appId' | 'key'>, command: CommandOnCall): Promise<CallReply> {
    return replyOf(await this.commands.act(appId, command, key));
  }

  async #withMedia(actor: Actor, call: CallState): Promise<CallReply> {
    const { deviceId } = actor;
    if (!deviceId || call.status === 'ended') return replyOf(call);
    return { ...replyOf(call), media: await this.media.issueIfPossible(call, { ...actor, deviceId }) };
  }
}

/** @returns the reply to a command that needs no media. */
export function replyOf(call: CallState): CallReply {
  return { callId: call.callId, sequence: call.sequence, call };
}
