import { createHash } from 'node:crypto';
import type { LimitKind } from '@communication-center/contracts';
import type { Share } from '@communication-center/service/fair-share';

/** What was asked with a credential that nobody has looked at yet. */
export interface AskedWith {
  kind: LimitKind;
  credential: string;
  address: string;
}

/** So long a refusal is repeated without looking; a key that is revoked meanwhile hears of that later. */
const longestMs = 1000;
/** So many are kept in mind at most; who asks on beyond them is looked at. */
const most = 5000;

/** Refusals of the last second, so that whoever goes on asking costs the door alone: nobody looks at the credential once more. */
export class RefusedLately {
  readonly #refused = new Map<string, { until: number; share: Share }>();

  constructor(private readonly now: () => number = () => performance.now()) {}

  /** @returns what was said to the same a moment ago, where that holds still. */
  of(asked: AskedWith): Share | undefined {
    if (this.#refused.size === 0) return undefined;
    const name = nameOf(asked);
    const known = this.#refused.get(name);
    if (!known || known.until > this.now()) return known?.share;
    this.#refused.delete(name);
    return undefined;
  }

  note(asked: AskedWith, share: Share): void {
    const name = nameOf(asked);
    this.#refused.delete(name);
    this.#refused.set(name, { until: this.now() + Math.min(longestMs, share.waitMs ?? longestMs), share });
    if (this.#refused.size > most) this.#refused.delete(this.#refused.keys().next().value as string);
  }
}

/** What is kept in mind must not be the credential itself. */
function nameOf({ kind, credential, address }: AskedWith): string {
  return createHash('sha256').update(`${kind} ${address} ${credential}`).digest('base64url');
}
