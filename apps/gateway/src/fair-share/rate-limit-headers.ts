import type { Standing } from '@communication-center/service/fair-share';

/**
 * @returns the header fields of draft-ietf-httpapi-ratelimit-headers (10): for each bucket that an act counts in its quota, which is its burst, with
 * the seconds in which as much is given back; what remains of it, and after how many seconds all of it is there again.
 */
export function rateLimitHeaders(standings: readonly Standing[]): Record<string, string> {
  if (standings.length === 0) return {};
  const policies = standings.map(
    ({ name, rate }) => `"${policyOf(name)}";q=${rate.burst};w=${Math.max(1, Math.ceil(rate.burst / rate.perSecond))}`,
  );
  const limits = standings.map(
    ({ name, level, fullInMs }) => `"${policyOf(name)}";r=${Math.max(0, Math.floor(level))};t=${Math.ceil(fullInMs / 1000)}`,
  );
  return { 'ratelimit-policy': policies.join(', '), ratelimit: limits.join(', ') };
}

/** Whose bucket it is, is nobody's business but the holder's: he knows it. */
function policyOf(name: string): string {
  const [kind, holder] = name.split(' ');
  return `${kind}-${holder}`;
}
