import type { CallEvent, EndReason, RuleEvent, RuleView, UserAlias } from '@communication-center/contracts';

/** Of whom a rule tells: a user, or an address or number that the rule itself names. */
type To = { userAlias: UserAlias } | { email: string; locale: string | null } | { phone: string; locale: string | null };

/** What a message is about. */
export interface About {
  event: RuleEvent;
  /** When it happened (ISO 8601). */
  at: string;
  initiator: UserAlias;
  /** Whom the event names; null for events of the call as a whole. */
  userAlias: UserAlias | null;
  reason: EndReason | null;
}

/** A chain that begins because of an event. */
export interface Beginning {
  rule: RuleView;
  to: To;
  about: About;
}

const ruleEvents: readonly string[] = [
  'call.dialed',
  'call.participant_invited',
  'call.missed',
  'call.busy',
  'call.declined',
  'call.answered',
  'call.ended',
] satisfies RuleEvent[];

export type RuledEvent = Extract<CallEvent, { type: RuleEvent }>;

/** Whether rules may tell of an event. */
export const mayBeTold = (event: CallEvent): event is RuledEvent => ruleEvents.includes(event.type);

/** @returns the groups whose members have to be known before {@link beginningsOf} is asked. */
export function groupsIn(rules: readonly RuleView[], event: RuledEvent): string[] {
  return rules.flatMap(({ on, enabled, to }) => (enabled && on === event.type && to.kind === 'group' ? [to.group] : []));
}

/** @param members of the groups that rules name. @returns the chains that an event begins, each receiver of a rule once. */
export function beginningsOf(
  event: RuledEvent,
  rules: readonly RuleView[],
  members: ReadonlyMap<string, readonly UserAlias[]>,
): Beginning[] {
  return rules
    .filter(({ enabled, on }) => enabled && on === event.type)
    .flatMap((rule) => receiversOf(event, rule, members).map((to) => ({ rule, to, about: aboutOf(event, to) })));
}

function receiversOf(event: RuledEvent, { to }: RuleView, members: ReadonlyMap<string, readonly UserAlias[]>): To[] {
  const users = (aliases: readonly UserAlias[]) => [...new Set(aliases)].map((userAlias) => ({ userAlias }));
  switch (to.kind) {
    case 'callee':
      return users(calleesOf(event));
    case 'initiator':
      return users([initiatorOf(event)]);
    case 'participants':
      return users(event.data.audience);
    case 'address':
      return [{ email: to.email, locale: to.locale ?? null }];
    case 'phone':
      return [{ phone: to.phone, locale: to.locale ?? null }];
    case 'group':
      return users(members.get(to.group) ?? []);
    default:
      return to satisfies never;
  }
}

function calleesOf(event: RuledEvent): readonly UserAlias[] {
  if (event.type === 'call.dialed') return event.data.callees;
  if (event.type === 'call.ended') return event.data.audience.slice(1);
  return [event.data.userAlias];
}

/** Where an event does not say it: the one who dialed stands first among those who are told of it. */
function initiatorOf(event: RuledEvent): UserAlias {
  if ('initiator' in event.data) return event.data.initiator;
  return event.data.audience[0] as UserAlias;
}

function aboutOf(event: RuledEvent, to: To): About {
  const named = 'userAlias' in event.data ? event.data.userAlias : null;
  return {
    event: event.type,
    at: event.time,
    initiator: initiatorOf(event),
    userAlias: named ?? ('userAlias' in to ? to.userAlias : null),
    reason: reasonOf(event),
  };
}

function reasonOf(event: RuledEvent): EndReason | null {
  switch (event.type) {
    case 'call.missed':
    case 'call.ended':
      return event.data.reason;
    case 'call.busy':
      return 'busy';
    case 'call.declined':
      return event.data.reason === 'do_not_disturb' ? 'do_not_disturb' : 'declined';
    case 'call.participant_invited':
      return event.data.refused ?? null;
    case 'call.dialed':
    case 'call.answered':
      return null;
    default:
      return event satisfies never;
  }
}

/** What an event says of chains under way for its call. */
export interface Reaching {
  /** Of one user; of everyone where it is null. */
  userAlias: UserAlias | null;
  rang: boolean;
  /** Why their chains end with it, where they do. */
  reached: 'took_the_call' | 'ring_ended' | null;
}

/**
 * @returns what an event says of chains that began with an earlier one of its call: that a device rings, that somebody took the call or
 * declined it, or that there is nothing left that rings.
 */
export function reachingOf(event: CallEvent): Reaching | undefined {
  switch (event.type) {
    case 'call.ringing':
      return { userAlias: event.data.userAlias, rang: true, reached: null };
    case 'call.answered':
    case 'call.joined':
      return { userAlias: event.data.userAlias, rang: true, reached: 'took_the_call' };
    case 'call.declined':
      return event.data.deviceId === null ? undefined : { userAlias: event.data.userAlias, rang: true, reached: 'took_the_call' };
    case 'call.missed':
      return { userAlias: event.data.userAlias, rang: false, reached: 'ring_ended' };
    case 'call.ended':
      return { userAlias: null, rang: false, reached: 'ring_ended' };
    default:
      return undefined;
  }
}

/** Events after which a chain waits for a ring: when that is over, so is the chain. */
export const waitsForRing = (event: RuleEvent): boolean => event === 'call.dialed' || event === 'call.participant_invited';

/** Whether chains of some rules are under way for so long that later events of their calls may end them. */
export const mayBeReached = (rules: readonly RuleView[]): boolean =>
  rules.some(({ enabled, on, steps }) => enabled && (waitsForRing(on) || steps.some(({ afterSeconds }) => afterSeconds > 0)));

/** After these somebody took the call, or declined it himself: what a moment ago began for him is of no use. */
const taken = ['call.answered', 'call.joined', 'call.declined'] satisfies CallEvent['type'][];
/** All of which {@link reachingOf} says something. */
const reaching = [...taken, 'call.ringing', 'call.missed', 'call.ended'] satisfies CallEvent['type'][];

/** @returns the types of events that rules of an app have anything to do with. */
export function typesOfRules(rules: readonly RuleView[]): ReadonlySet<string> {
  const told = rules.flatMap(({ enabled, on }) => (enabled ? [on] : []));
  return new Set(told.length === 0 ? [] : [...told, ...(mayBeReached(rules) ? reaching : taken)]);
}
