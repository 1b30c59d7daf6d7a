import type { RuleView, TemplateBody } from '@communication-center/contracts';

/*
 * What every app has until it says something else. That devices ring is no rule: it waits for nothing, and nothing may stand in its way.
 */

const missedCall: RuleView = {
  ruleId: 'missed-call',
  isDefault: true,
  enabled: true,
  on: 'call.missed',
  to: { kind: 'callee' },
  when: { offline: true },
  steps: [
    { afterSeconds: 0, channel: 'push', template: 'missed-call' },
    { afterSeconds: 0, channel: 'email', template: 'missed-call' },
  ],
  withinSeconds: 3600,
};

/** The devices that are in the other call hear of it over their sockets; this is for those that are asleep. */
const busyAlert: RuleView = {
  ruleId: 'busy-alert',
  isDefault: true,
  enabled: true,
  on: 'call.busy',
  to: { kind: 'callee' },
  when: {},
  steps: [{ afterSeconds: 0, channel: 'push', template: 'busy-alert' }],
  withinSeconds: 60,
};

export const defaultRules: readonly RuleView[] = [missedCall, busyAlert];

export const defaultTemplates: Readonly<Record<string, TemplateBody>> = {
  'missed-call': {
    defaultLocale: 'en',
    locales: {
      en: {
        subject: 'Missed call from {{ caller.name }}',
        text: 'Hello {{ receiver.name }},\n\n{{ caller.name }} called you on {{ when }}, and you were not online.\n',
      },
      de: {
        subject: 'Anruf von {{ caller.name }} verpasst',
        text: 'Hallo {{ receiver.name }},\n\n{{ caller.name }} hat Sie angerufen ({{ when }}), und Sie waren nicht online.\n',
      },
    },
  },
  'busy-alert': {
    defaultLocale: 'en',
    locales: {
      en: { subject: '{{ caller.name }} called', text: '{{ caller.name }} called while you were in another call.' },
      de: { subject: 'Anruf von {{ caller.name }}', text: '{{ caller.name }} hat angerufen, während Sie in einem anderen Anruf waren.' },
    },
  },
};

/**
 * @param own what an app has saved; null for one by default that it took away.
 * @returns the rules of the app: its own, and those by default that it has not saved.
 */
export function rulesOf(own: readonly { ruleId: string; rule: RuleView | null }[]): RuleView[] {
  return [...own.flatMap(({ rule }) => rule ?? []), ...defaultRules.filter(({ ruleId }) => own.every((one) => one.ruleId !== ruleId))];
}
