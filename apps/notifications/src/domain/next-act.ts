import type { Conditions, MessageChannel, QuietHours, RuleStep } from '@communication-center/contracts';
import type { About } from './begin-chains.js';
import { quietUntil } from './quiet-hours.js';

/** A chain as it stands: what it was made of is kept as the rule was then. */
export interface Chain {
  steps: readonly RuleStep[];
  when: Conditions;
  quietHours?: QuietHours | undefined;
  about: About;
  /** Which step is next, from 0. */
  step: number;
  /** In milliseconds since 1970: nothing begins later. */
  until: number;
}

/** What is known of the receiver at the moment a step is due. */
export interface Facts {
  now: Date;
  online: boolean;
  rang: boolean;
  doNotDisturb: boolean;
  timeZone: string | null;
  /** Why nobody has to be told any more, where that is so. */
  reached: string | null;
  /** Why a channel cannot be used, of those that cannot. */
  closed: Partial<Record<MessageChannel, string>>;
}

type ChainEnd = 'reached' | 'not_wanted' | 'expired' | 'done';

export type Act =
  | { act: 'send'; step: RuleStep }
  | { act: 'wait'; until: Date }
  /** The step cannot be taken, or is not to be: the next one is due at once. */
  | { act: 'pass'; reason: string }
  | { act: 'end'; outcome: ChainEnd; reason: string | null };

/** @returns what comes next in a chain whose time has come. Everything that speaks against it is looked at anew before each step. */
export function nextAct(chain: Chain, facts: Facts): Act {
  const step = chain.steps[chain.step];
  if (!step) return { act: 'end', outcome: 'done', reason: null };
  if (facts.now.getTime() >= chain.until) return { act: 'end', outcome: 'expired', reason: 'it is too late' };
  if (facts.reached !== null) return { act: 'end', outcome: 'reached', reason: facts.reached };
  const against = unmet(chain.when, chain.about, facts);
  if (against) return { act: 'end', outcome: 'not_wanted', reason: against };
  const againstStep = step.when && unmet(step.when, chain.about, facts);
  if (againstStep) return { act: 'pass', reason: againstStep };
  const closed = facts.closed[step.channel];
  if (closed !== undefined) return { act: 'pass', reason: closed };
  return afterQuietHours(chain, facts) ?? { act: 'send', step };
}

function afterQuietHours({ quietHours, until }: Chain, { now, timeZone }: Facts): Act | undefined {
  const end = quietHours && quietUntil(quietHours, timeZone, now);
  if (!end) return undefined;
  if (quietHours.meanwhile === 'skip') return { act: 'pass', reason: 'it is in quiet hours' };
  if (end.getTime() >= until) return { act: 'end', outcome: 'expired', reason: 'quiet hours end too late' };
  return { act: 'wait', until: end };
}

/** @returns the first condition that does not hold, in words; undefined where all do. */
function unmet(when: Conditions, { reason }: About, { online, rang, doNotDisturb }: Facts): string | undefined {
  const is = {
    offline: !online,
    noDeviceReached: !rang,
    busy: reason === 'busy',
    doNotDisturb: doNotDisturb || reason === 'do_not_disturb',
  };
  for (const name of ['offline', 'noDeviceReached', 'busy', 'doNotDisturb'] as const)
    if (when[name] !== undefined && when[name] !== is[name]) return `${name} is ${is[name]}`;
  if (when.reasons && (reason === null || !when.reasons.includes(reason))) return `the reason is ${reason ?? 'none'}`;
  return undefined;
}

/** Whether conditions ask which devices are there: that is known a moment late. */
export const asksForDevices = ({ when, steps }: Pick<Chain, 'when' | 'steps'>): boolean =>
  [when, ...steps.map((step) => step.when)].some((one) => one?.offline !== undefined);
