import { type AnyEvent, appIdSchema, callIdSchema } from '@communication-center/contracts';
import { OutboxRelay } from '@communication-center/event-log';
import { ActsOnRecord, ProblemError, resumeTrace } from '@communication-center/service';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { CallCommands } from '../take-commands/call-commands.js';

/**
 * Ends a call of which an event can never be published. Its devices miss that event until they ask for it, so nobody can rely
 * on what the call would become.
 */
@Injectable()
export class EndCallOnUnsendableEvent implements OnModuleInit {
  constructor(
    private readonly relay: OutboxRelay,
    private readonly commands: CallCommands,
    private readonly acts: ActsOnRecord,
  ) {}

  onModuleInit(): void {
    this.relay.onUnsendable((topic, event) =>
      resumeTrace([event], async () => {
        await this.endCallOf(event);
        await this.acts.noteUnsendable(topic, event);
      }),
    );
  }

  /** @throws when the call is neither ended nor can be ended now. */
  async endCallOf(event: AnyEvent): Promise<void> {
    const callId = callIdSchema.parse(event.subject);
    try {
      await this.commands.act(appIdSchema.parse(event.appid), { type: 'EndCall', callId, reason: 'error' });
    } catch (error) {
      if (error instanceof ProblemError && (error.code === 'already_ended' || error.code === 'call_not_found')) return;
      throw error;
    }
  }
}
