import {
  type CallId,
  type CallReply,
  callActionBodySchema,
  callIdSchema,
  lowerHandBodySchema,
  muteAllBodySchema,
  muteBodySchema,
} from '@communication-center/contracts';
import { PathParam, ProblemError } from '@communication-center/service';
import { Controller, HttpCode, Post } from '@nestjs/common';
import type { CommandOnCall } from '../domain/commands.js';
import { type Actor, actorOf, serverOrActorOf } from './actor.js';
import { type Asked, AskedBy } from './asked.js';
import { CallCommands } from './call-commands.js';
import { replyOf } from './calls.controller.js';

type Action = Asked<typeof callActionBodySchema>;
type Muting = Asked<typeof muteBodySchema>;

const CallIdParam = () => PathParam('callId', callIdSchema);

/** What keeps order among those in a call: who may send what, who may come, and who asks for the word. */
@Controller('v1/calls/:callId')
export class ModerateCallsController {
  constructor(private readonly commands: CallCommands) {}

  @Post('mute')
  @HttpCode(200)
  async mute(@CallIdParam() callId: CallId, @AskedBy(muteBodySchema) { subject, body }: Muting): Promise<CallReply> {
    const { userAlias: by, ...actor } = serverOrActorOf(subject, body);
    return this.#act(actor, { type: 'MuteParticipant', callId, by, userAlias: body.participant, media: body.media });
  }

  @Post('allow')
  @HttpCode(200)
  async allow(@CallIdParam() callId: CallId, @AskedBy(muteBodySchema) { subject, body }: Muting): Promise<CallReply> {
    const { userAlias: by, ...actor } = serverOrActorOf(subject, body);
    return this.#act(actor, { type: 'AllowParticipant', callId, by, userAlias: body.participant, media: body.media });
  }

  @Post('mute-all')
  @HttpCode(200)
  async muteAll(
    @CallIdParam() callId: CallId,
    @AskedBy(muteAllBodySchema) { subject, body }: Asked<typeof muteAllBodySchema>,
  ): Promise<CallReply> {
    const { userAlias: by, ...actor } = serverOrActorOf(subject, body);
    return this.#act(actor, { type: 'MuteAll', callId, by, media: body.media });
  }

  @Post('lock')
  @HttpCode(200)
  async lock(@CallIdParam() callId: CallId, @AskedBy(callActionBodySchema) { subject, body }: Action): Promise<CallReply> {
    const { userAlias: by, ...actor } = serverOrActorOf(subject, body);
    return this.#act(actor, { type: 'LockCall', callId, by });
  }

  @Post('unlock')
  @HttpCode(200)
  async unlock(@CallIdParam() callId: CallId, @AskedBy(callActionBodySchema) { subject, body }: Action): Promise<CallReply> {
    const { userAlias: by, ...actor } = serverOrActorOf(subject, body);
    return this.#act(actor, { type: 'UnlockCall', callId, by });
  }

  @Post('raise-hand')
  @HttpCode(200)
  async raiseHand(@CallIdParam() callId: CallId, @AskedBy(callActionBodySchema) { subject, body }: Action): Promise<CallReply> {
    const { userAlias, deviceId, ...actor } = actorOf(subject, body);
    return this.#act(actor, { type: 'RaiseHand', callId, userAlias, deviceId });
  }

  /** Lowers the hand of whoever is named, or else of whoever asks. */
  @Post('lower-hand')
  @HttpCode(200)
  async lowerHand(
    @CallIdParam() callId: CallId,
    @AskedBy(lowerHandBodySchema) { subject, body }: Asked<typeof lowerHandBodySchema>,
  ): Promise<CallReply> {
    const { userAlias: by, ...actor } = serverOrActorOf(subject, body);
    const userAlias = body.participant ?? by;
    if (!userAlias) {
      const message = 'name the participant whose hand it is';
      throw new ProblemError('invalid_request', `participant: ${message}`, { fields: [{ field: 'participant', message }] });
    }
    return this.#act(actor, { type: 'LowerHand', callId, by, userAlias });
  }

  async #act({ appId, key }: Pick<Actor, 'appId' | 'key'>, command: CommandOnCall): Promise<CallReply> {
    return replyOf(await this.commands.act(appId, command, key));
  }
}
