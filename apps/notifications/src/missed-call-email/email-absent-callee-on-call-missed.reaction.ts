import type { AppId, CallEvent, UserAlias } from '@communication-center/contracts';
import { internal } from '@communication-center/contracts/internal';
import { type ReactionBatch, ReactToEvents } from '@communication-center/event-log';
import { Identity, ProblemError, Replicas, resumeTrace, ServiceClient, Settings } from '@communication-center/service';
import { Controller, Inject } from '@nestjs/common';
import type { NotificationsSettings } from '../settings.js';
import { MissedCallEmails } from './missed-call-emails.js';

/** Tells somebody who was not online by e-mail that a call was missed. One that is too old to be news is let go. */
@Controller()
export class EmailAbsentCalleeOnCallMissed {
  readonly #presence: ServiceClient;

  constructor(
    private readonly emails: MissedCallEmails,
    identity: Identity,
    @Inject(Settings) private readonly settings: NotificationsSettings,
  ) {
    this.#presence = new ServiceClient(identity, 'presence', new Replicas(settings.PRESENCE_URL));
  }

  @ReactToEvents('email-absent-callee', { topics: ['calls.events'], pace: 'steady' })
  async email({ events }: ReactionBatch<'calls.events'>): Promise<void> {
    for (const event of events) if (event.type === 'call.missed') await resumeTrace([event], () => this.#tell(event));
  }

  async #tell(event: CallEvent & { type: 'call.missed' }): Promise<void> {
    if (Date.now() - Date.parse(event.time) > this.settings.EMAIL_DEADLINE_SECONDS * 1000) return;
    const { userAlias, initiator } = event.data;
    if (await this.#isOnline(event.appid, userAlias)) return;
    await this.emails.write({ eventId: event.id, appId: event.appid, userAlias, callId: event.callid, initiator, missedAt: event.time });
  }

  /** Whether any device is connected. The status would not do: until presence has folded this event too, it says busy. */
  async #isOnline(appId: AppId, userAlias: UserAlias): Promise<boolean> {
    try {
      const { devices } = await this.#presence.ask(internal.presenceOf, { params: { appId, userAlias } }, { timeoutMs: 3000 });
      return devices.some(({ status }) => status !== 'offline');
    } catch (error) {
      if (error instanceof ProblemError && error.code === 'unknown_user') return false;
      throw error;
    }
  }
}
