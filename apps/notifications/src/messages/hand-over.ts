import type { DeviceId, PushedMessage, PushProvider, PushTarget, Rendered, RuleStep } from '@communication-center/contracts';
import { type LineLog, Log } from '@communication-center/service';
import { Inject, Injectable } from '@nestjs/common';
import { v5 as uuidv5 } from 'uuid';
import { PushChannels } from '../channels/push-channels.js';
import { KnownCredentials } from '../credentials/known-credentials.js';
import { RegistrationStore } from '../devices/registration-store.js';
import { whenIn } from '../domain/locales.js';
import type { SendOutcome } from '../domain/mail-outcome.js';
import type { PushOutcome } from '../domain/push-outcome.js';
import { Mail } from '../mail/mail-channel.js';
import { UnsubscribeLinks } from '../preferences/unsubscribe-links.js';
import { Sms } from '../sms/sms.js';
import { TemplateFault, type Told } from '../templates/engine.js';
import { TemplateStore } from '../templates/template-store.js';
import { emailOf, phoneOf } from './facts-of.js';
import type { ClaimedMessage, SentNotification } from './message-rows.js';

/** What a step came to: its outcome as a whole, and what is on record of it once it has ended. */
export interface HandedOver {
  outcome: SendOutcome;
  sent: SentNotification[];
}

const providerOf = ({ kind }: PushTarget): PushProvider => (kind === 'apns_alert' || kind === 'apns_voip' ? 'apns' : kind);

/** Hands what a step says to its channel, in the receiver's language. */
@Injectable()
export class HandOver {
  constructor(
    private readonly templates: TemplateStore,
    private readonly mail: Mail,
    private readonly sms: Sms,
    private readonly links: UnsubscribeLinks,
    private readonly push: PushChannels,
    private readonly known: KnownCredentials,
    private readonly registrations: RegistrationStore,
    @Inject(Log) private readonly log: LineLog,
  ) {}

  /** Never throws for what is wrong with a template, an address or a server: that is an outcome. */
  async step(message: ClaimedMessage, step: RuleStep): Promise<HandedOver> {
    const template = await this.templates.read(message.app_id, step.template);
    if (!template) return refused(message, step, `the app has no template ${step.template}`);
    const locale = message.address?.locale ?? message.receiver?.locale ?? null;
    let rendered: Rendered;
    try {
      rendered = await this.templates.engine.render(template, locale, told(message, locale));
    } catch (error) {
      if (!(error instanceof TemplateFault)) throw error;
      return refused(message, step, `the template ${step.template} cannot be filled in: ${error.message}`);
    }
    switch (step.channel) {
      case 'email':
        return this.#email(message, step, rendered);
      case 'sms':
        return this.#sms(message, step, rendered);
      case 'push':
        return this.#push(message, step, rendered);
      case 'webhook':
        return toApp(message, step, rendered);
      default:
        return step.channel satisfies never;
    }
  }

  async #sms(message: ClaimedMessage, step: RuleStep, { text }: Rendered): Promise<HandedOver> {
    const { sms_server: server, app_id: appId, until } = message;
    const to = phoneOf(message);
    if (!server || to === null) return refused(message, step, 'there is no number, or nothing to send SMS through');
    const notificationId = idOf(message);
    const outcome = await this.sms.send(appId, { notificationId, to, text, until: until.getTime() }, server);
    const sent = onRecord(step, notificationId, null, outcome, message.tries + 1);
    const providerIds = outcome.outcome === 'accepted' ? (outcome.providerIds ?? []) : [];
    return { outcome, sent: [{ ...sent, providerIds, number: to }] };
  }

  async #email(message: ClaimedMessage, step: RuleStep, { subject, text, html }: Rendered): Promise<HandedOver> {
    const notificationId = idOf(message);
    const unsubscribe = message.user_alias === null ? undefined : this.links.linkFor(message.app_id, message.user_alias);
    const to = emailOf(message) ?? '';
    const outcome = await this.mail.send(message.app_id, { notificationId, to, subject, text, html, unsubscribe }, message.mail_server);
    return { outcome, sent: [onRecord(step, notificationId, null, outcome, message.tries + 1)] };
  }

  /** To each device of the receiver; where one takes it, the step is taken. */
  async #push(message: ClaimedMessage, step: RuleStep, rendered: Rendered): Promise<HandedOver> {
    const all = await Promise.all(
      (message.devices ?? []).map(async (device) => ({ device, outcome: await this.#toDevice(message, device, rendered) })),
    );
    const tried = all.flatMap(({ device, outcome }) => (outcome ? [{ device, outcome }] : []));
    const sent = tried.map(({ device, outcome }) =>
      onRecord(step, idOf(message, device.registrationId), device.deviceId, outcome, message.tries + 1),
    );
    const outcomes = tried.map(({ outcome }) => outcome);
    const best =
      outcomes.find(({ outcome }) => outcome === 'accepted') ?? outcomes.find(({ outcome }) => outcome === 'later') ?? outcomes[0];
    return best ? { outcome: best, sent } : refused(message, step, 'the app has no credentials for the devices of the user');
  }

  async #toDevice(
    message: ClaimedMessage,
    { registrationId, target }: NonNullable<ClaimedMessage['devices']>[number],
    { subject, text }: Rendered,
  ): Promise<SendOutcome | undefined> {
    const { app_id: appId, rule_id: ruleId, call_id: callId, user_alias: userAlias, until } = message;
    const credential = await this.known.of(appId, providerOf(target));
    if (!credential || userAlias === null) return undefined;
    const notificationId = idOf(message, registrationId);
    const sentAt = new Date();
    const said: PushedMessage = {
      ...{ type: 'notification', appId, notificationId, ruleId, callId, userAlias },
      ...{ title: subject, body: text.slice(0, 1000), sentAt: sentAt.toISOString() },
    };
    const outcome = await this.push.of(providerOf(target)).send({ credential, target, told: said, until: until.getTime() });
    this.log.info({ notificationId, appId, callId, kind: target.kind, outcome: outcome.outcome }, 'pushed a message');
    if (outcome.outcome === 'dead') await this.registrations.removeDead(registrationId, target, outcome.since ?? sentAt);
    return asSendOutcome(outcome);
  }
}

/** The same for each attempt at a step, so that a repeat can be told. */
const idOf = ({ message_id, step }: ClaimedMessage, registrationId = '') => uuidv5(`${step}/${registrationId}`, message_id);

function asSendOutcome(outcome: PushOutcome): SendOutcome {
  switch (outcome.outcome) {
    case 'accepted':
      return outcome;
    case 'dead':
      return { outcome: 'refused', reason: outcome.reason, isOfAddress: false };
    case 'refused':
      return { outcome: 'refused', reason: outcome.reason, isOfAddress: false };
    case 'later': {
      const { reason, retryAfterMs } = outcome;
      return { outcome: 'later', reason, ...(retryAfterMs !== undefined && { retryAfterMs }) };
    }
    default:
      return outcome satisfies never;
  }
}

function onRecord(
  { channel }: RuleStep,
  notificationId: string,
  deviceId: DeviceId | null,
  outcome: SendOutcome,
  attempts: number,
): SentNotification {
  const reason = outcome.outcome === 'accepted' ? null : outcome.reason;
  return { notificationId, channel, deviceId, state: outcome.outcome === 'accepted' ? 'accepted' : 'failed', reason, attempts };
}

function refused(message: ClaimedMessage, step: RuleStep, reason: string): HandedOver {
  const outcome: SendOutcome = { outcome: 'refused', reason, isOfAddress: false };
  return { outcome, sent: [onRecord(step, idOf(message), null, outcome, message.tries + 1)] };
}

/** What an app is told of fits into the events of its log. */
const longestToApp = 20_000;

/** The app itself is told, by what is written with the record: no request, nothing to be repeated. */
function toApp(message: ClaimedMessage, step: RuleStep, { locale, subject, text }: Rendered): HandedOver {
  if (text.length > longestToApp) return refused(message, step, 'the text is longer than 20,000 characters: write a shorter template');
  const { event, reason } = message.about;
  const outcome: SendOutcome = { outcome: 'accepted' };
  const sent = onRecord(step, idOf(message), null, outcome, message.tries + 1);
  return { outcome, sent: [{ ...sent, message: { event, reason, locale, subject, text } }] };
}

function told({ app_id, rule_id, call_id, about, caller, receiver, user_alias, address }: ClaimedMessage, locale: string | null): Told {
  const alias = user_alias ?? '';
  return {
    app: app_id,
    rule: rule_id,
    event: about.event,
    when: whenIn(new Date(about.at), locale, receiver?.timeZone ?? null),
    reason: about.reason ?? '',
    call: { id: call_id },
    caller: { name: caller ?? about.initiator, alias: about.initiator },
    receiver: { name: receiver?.name ?? (alias || (address?.email ?? address?.phone ?? '')), alias },
  };
}
