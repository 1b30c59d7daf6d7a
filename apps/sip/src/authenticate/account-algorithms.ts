import type { SipAlgorithm } from '@communication-center/contracts';

/** What an account is offered that says nothing else, and whoever has none. */
export const usualAlgorithms: readonly SipAlgorithm[] = ['SHA-256', 'MD5'];

/** So long an answer is told again, in milliseconds: who asks is not known yet. */
const goodForMs = 10_000;
const mostKept = 5000;
/** Nobody has signed in yet who makes us ask: more at a time get the usual. */
const mostAsking = 32;
const waitMs = 1000;

/** Which algorithms to offer whom: read before anybody has signed in, so it costs no more than so much, and failing is no refusal. */
export class AccountAlgorithms {
  /** The oldest first. */
  readonly #kept = new Map<string, { at: number; told: Promise<readonly SipAlgorithm[]> }>();
  #asking = 0;

  /** @param read the algorithms of an account; undefined where there is none. */
  constructor(private readonly read: (appId: string, username: string) => Promise<readonly SipAlgorithm[] | undefined>) {}

  async of(appId: string, username: string, now = performance.now()): Promise<readonly SipAlgorithm[]> {
    const name = `${appId}/${username}`;
    const kept = this.#kept.get(name);
    if (kept && now - kept.at < goodForMs) return kept.told;
    if (this.#asking >= mostAsking) return usualAlgorithms;
    const told = this.#ask(appId, username);
    this.#kept.delete(name);
    this.#kept.set(name, { at: now, told });
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= mostKept) break;
      this.#kept.delete(oldest);
    }
    return told;
  }

  async #ask(appId: string, username: string): Promise<readonly SipAlgorithm[]> {
    this.#asking += 1;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<undefined>((resolve) => {
      timer = setTimeout(() => resolve(undefined), waitMs);
    });
    try {
      return (await Promise.race([this.read(appId, username), late])) ?? usualAlgorithms;
    } catch {
      // Whoever answers the challenge hears that the directory is away.
      return usualAlgorithms;
    } finally {
      clearTimeout(timer);
      this.#asking -= 1;
    }
  }
}
