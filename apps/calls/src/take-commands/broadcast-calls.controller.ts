import { type BroadcastId, type CallId, type CallReply, callActionBodySchema, callIdSchema } from '@communication-center/contracts';
import type { Inquiry } from '@communication-center/contracts/internal';
import { internal } from '@communication-center/contracts/internal';
import { InquiryOf, PathParam, Serves } from '@communication-center/service';
import { Controller, HttpCode, Post } from '@nestjs/common';
import { v7 as uuidv7 } from 'uuid';
import { serverOrActorOf } from './actor.js';
import { type Asked, AskedBy } from './asked.js';
import { CallCommands } from './call-commands.js';
import { replyOf } from './calls.controller.js';

type Action = Asked<typeof callActionBodySchema>;

const CallIdParam = () => PathParam('callId', callIdSchema);

/** Whether a call is broadcast is decided here, as all that concerns its people; media carries it out. */
@Controller()
export class BroadcastCallsController {
  constructor(private readonly commands: CallCommands) {}

  /** Refused while nobody would hear of it: a call that is broadcast and does not show it would be a breach. */
  @Post('v1/calls/:callId/start-broadcast')
  @HttpCode(200)
  async start(@CallIdParam() callId: CallId, @AskedBy(callActionBodySchema) { subject, body }: Action): Promise<CallReply> {
    const { userAlias: by, appId, key } = serverOrActorOf(subject, body);
    const broadcastId = uuidv7() as BroadcastId;
    const asked = { type: 'StartBroadcast', callId, by };
    const call = await this.commands.ring(appId, key, asked, ({ usersMayBroadcast = false }) => ({
      ...{ type: 'StartBroadcast', callId, by, broadcastId, usersMayBroadcast: usersMayBroadcast || subject.kind === 'key' },
    }));
    return replyOf(call);
  }

  @Post('v1/calls/:callId/stop-broadcast')
  @HttpCode(200)
  async stop(@CallIdParam() callId: CallId, @AskedBy(callActionBodySchema) { subject, body }: Action): Promise<CallReply> {
    const { userAlias: by, appId, key } = serverOrActorOf(subject, body);
    return replyOf(await this.commands.act(appId, { type: 'StopBroadcast', callId, by }, key));
  }

  /** Media could not broadcast: nobody is to be shown any longer that it does. */
  @Serves(internal.broadcastFailed)
  async failed(@InquiryOf(internal.broadcastFailed) { body }: Inquiry<typeof internal.broadcastFailed>): Promise<{ noted: true }> {
    const { appId, callId, broadcastId } = body;
    await this.commands.act(appId, { type: 'FailBroadcast', callId, broadcastId });
    return { noted: true };
  }
}
