import type { CallFrame, CallReply, Problem, Subject } from '@communication-center/contracts';
import type { Inquiry, internal } from '@communication-center/contracts/internal';
import { type LineLog, Log, noteInTrace, problemTold, traceAct } from '@communication-center/service';
import { Inject, Injectable } from '@nestjs/common';
import type { z } from 'zod';
import { BroadcastCallsController } from './broadcast-calls.controller.js';
import { CallsController } from './calls.controller.js';
import { hearing } from './hearing.js';
import { ModerateCallsController } from './moderate-calls.controller.js';
import { RecordCallsController } from './record-calls.controller.js';
import { SteerCallsController } from './steer-calls.controller.js';

type Together = Inquiry<typeof internal.carryOut>['body'];
type Command = Together['commands'][number];
type Line = z.input<typeof internal.carryOut.answer>;

/** Carries out what several devices did at the same moment, each as if it had come by itself. */
@Injectable()
export class CommandsAtOnce {
  constructor(
    private readonly calls: CallsController,
    private readonly steering: SteerCallsController,
    private readonly moderation: ModerateCallsController,
    private readonly recording: RecordCallsController,
    private readonly broadcasting: BroadcastCallsController,
    @Inject(Log) private readonly logger: LineLog,
  ) {}

  /** Tells what becomes of each as soon as it is decided, and where that is wished what it brought about, once that is committed. */
  carryOut({ commands, hears }: Together, tell: (line: Line, isUrgent?: boolean) => void): Promise<unknown> {
    const all = () => Promise.all(commands.map(async (command, index) => tell({ index, ...(await this.#outcomeOf(command)) })));
    // What one command brought about goes before its reply is made; of many, those that were decided together go together.
    const isAlone = commands.length === 1;
    return hears ? hearing((events) => tell({ events: [...events] }, isAlone), all) : all();
  }

  #outcomeOf({ subject, traceparent, frame }: Command): Promise<{ reply: CallReply } | { problem: Problem }> {
    const work = async (): Promise<{ reply: CallReply } | { problem: Problem }> => {
      noteInTrace({ ...('appId' in subject && { appId: subject.appId }), ...('callId' in frame && { callId: frame.callId }) });
      try {
        return { reply: await this.#reply(subject, frame) };
      } catch (error) {
        return { problem: problemTold(error, this.logger) };
      }
    };
    return traceAct(this.logger, { act: frame.type, traceparent }, work, (done) => ('problem' in done ? done.problem.status : 200));
  }

  #reply(subject: Subject, frame: CallFrame): Promise<CallReply> {
    if (frame.type === 'dial') {
      // What is left are the terms, by which a repeat is known: also one that comes by itself.
      const { id: _, type: __, ...body } = frame;
      return this.calls.dial({ subject, body });
    }
    const { callId } = frame;
    switch (frame.type) {
      case 'ringing':
        return this.calls.ringing(callId, { subject, body: frame });
      case 'answer':
        return this.calls.answer(callId, { subject, body: frame });
      case 'decline':
        return this.calls.decline(callId, { subject, body: frame });
      case 'ignore':
        return this.calls.ignore(callId, { subject, body: frame });
      case 'join':
        return this.calls.join(callId, { subject, body: frame });
      case 'hang_up':
        return this.calls.hangUp(callId, { subject, body: frame });
      case 'credentials':
        return this.calls.credentials(callId, { subject, body: {} });
      case 'add':
        return this.steering.add(callId, { subject, body: frame });
      case 'ring':
        return this.steering.ring(callId, { subject, body: frame });
      case 'kick':
        return this.steering.kick(callId, { subject, body: frame });
      case 'mute':
        return this.moderation.mute(callId, { subject, body: frame });
      case 'allow':
        return this.moderation.allow(callId, { subject, body: frame });
      case 'mute_all':
        return this.moderation.muteAll(callId, { subject, body: frame });
      case 'lock':
        return this.moderation.lock(callId, { subject, body: frame });
      case 'unlock':
        return this.moderation.unlock(callId, { subject, body: frame });
      case 'raise_hand':
        return this.moderation.raiseHand(callId, { subject, body: frame });
      case 'lower_hand':
        return this.moderation.lowerHand(callId, { subject, body: frame });
      case 'start_recording':
        return this.recording.start(callId, { subject, body: frame });
      case 'pause_recording':
        return this.recording.pause(callId, { subject, body: frame });
      case 'resume_recording':
        return this.recording.resume(callId, { subject, body: frame });
      case 'stop_recording':
        return this.recording.stop(callId, { subject, body: frame });
      case 'start_broadcast':
        return this.broadcasting.start(callId, { subject, body: frame });
      case 'stop_broadcast':
        return this.broadcasting.stop(callId, { subject, body: frame });
      case 'request_upgrade':
        return this.steering.requestUpgrade(callId, { subject, body: frame });
      case 'accept_upgrade':
        return this.steering.acceptUpgrade(callId, { subject, body: frame });
      case 'refuse_upgrade':
        return this.steering.refuseUpgrade(callId, { subject, body: frame });
    }
  }
}
