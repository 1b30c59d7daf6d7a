import { type AppLimits, type LimitKind, limitKinds, type Rate } from '@communication-center/contracts';

/**
 * @returns which limits of an app are others now, what each is and what it was, in words for the record; undefined where all are as they
 * were.
 */
export function changedLimits(before: AppLimits | undefined, now: AppLimits | undefined): string | undefined {
  const [old, fresh] = [saidOf(before), saidOf(now)];
  const names = [...new Set([...old.keys(), ...fresh.keys()])].filter((name) => old.get(name) !== fresh.get(name));
  if (names.length === 0) return undefined;
  return names.map((name) => `${name} ${fresh.get(name) ?? 'by default'} (was ${old.get(name) ?? 'by default'})`).join('; ');
}

/** @returns each limit that is set, such as `dials.app`, in words. */
function saidOf({ simultaneousCalls, ...kinds }: AppLimits = {}): Map<string, string> {
  const rates = (Object.keys(limitKinds) as LimitKind[]).flatMap((kind) =>
    Object.entries(kinds[kind] ?? {}).flatMap(([of, rate]) => (rate ? [[`${kind}.${of}`, textOf(rate)] as const] : [])),
  );
  return new Map([...rates, ...(simultaneousCalls === undefined ? [] : [['simultaneousCalls', String(simultaneousCalls)] as const])]);
}

const textOf = ({ perSecond, burst }: Rate) => `${perSecond}/s, ${burst} at once`;
