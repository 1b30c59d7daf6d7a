import { type CallId, type CallReply, callActionBodySchema, callIdSchema, type RecordingId } from '@communication-center/contracts';
import type { Inquiry } from '@communication-center/contracts/internal';
import { internal } from '@communication-center/contracts/internal';
import { InquiryOf, PathParam, Serves } from '@communication-center/service';
import { Controller, HttpCode, Post } from '@nestjs/common';
import { v7 as uuidv7 } from 'uuid';
import type { CommandOnCall } from '../domain/commands.js';
import { type Actor, serverOrActorOf } from './actor.js';
import { type Asked, AskedBy } from './asked.js';
import { CallCommands } from './call-commands.js';
import { replyOf } from './calls.controller.js';

type Action = Asked<typeof callActionBodySchema>;

const CallIdParam = () => PathParam('callId', callIdSchema);

/** Whether a call is recorded is decided here, as all that concerns its people; media carries it out. */
@Controller()
export class RecordCallsController {
  constructor(private readonly commands: CallCommands) {}

  /** Refused while nobody would hear of it: a call that is recorded and does not show it would be a breach. */
  @Post('v1/calls/:callId/start-recording')
  @HttpCode(200)
  async start(@CallIdParam() callId: CallId, @AskedBy(callActionBodySchema) { subject, body }: Action): Promise<CallReply> {
    const { userAlias: by, appId, key } = serverOrActorOf(subject, body);
    const recordingId = uuidv7() as RecordingId;
    const asked = { type: 'StartRecording', callId, by };
    const call = await this.commands.ring(appId, key, asked, ({ usersMayRecord = false }) => ({
      ...{ type: 'StartRecording', callId, by, recordingId, usersMayRecord: usersMayRecord || subject.kind === 'key' },
    }));
    return replyOf(call);
  }

  @Post('v1/calls/:callId/pause-recording')
  @HttpCode(200)
  async pause(@CallIdParam() callId: CallId, @AskedBy(callActionBodySchema) { subject, body }: Action): Promise<CallReply> {
    const { userAlias: by, ...actor } = serverOrActorOf(subject, body);
    return this.#act(actor, { type: 'PauseRecording', callId, by });
  }

  @Post('v1/calls/:callId/resume-recording')
  @HttpCode(200)
  async resume(@CallIdParam() callId: CallId, @AskedBy(callActionBodySchema) { subject, body }: Action): Promise<CallReply> {
    const { userAlias: by, ...actor } = serverOrActorOf(subject, body);
    return this.#act(actor, { type: 'ResumeRecording', callId, by });
  }

  @Post('v1/calls/:callId/stop-recording')
  @HttpCode(200)
  async stop(@CallIdParam() callId: CallId, @AskedBy(callActionBodySchema) { subject, body }: Action): Promise<CallReply> {
    const { userAlias: by, ...actor } = serverOrActorOf(subject, body);
    return this.#act(actor, { type: 'StopRecording', callId, by });
  }

  /** Media could not record: nobody is to be shown any longer that it does. */
  @Serves(internal.recordingFailed)
  async failed(@InquiryOf(internal.recordingFailed) { body }: Inquiry<typeof internal.recordingFailed>): Promise<{ noted: true }> {
    const { appId, callId, recordingId } = body;
    await this.commands.act(appId, { type: 'FailRecording', callId, recordingId });
    return { noted: true };
  }

  async #act({ appId, key }: Pick<Actor, 'appId' | 'key'>, command: CommandOnCall): Promise<CallReply> {
    return replyOf(await this.commands.act(appId, command, key));
  }
}
