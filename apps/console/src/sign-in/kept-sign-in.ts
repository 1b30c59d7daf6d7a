/** Who signed in here: an app and an alias. A bare alias is no secret; a token would not be kept. */
export interface Credentials {
  appId: string;
  userAlias: string;
}

const key = 'communication-center.signIn';

/** @returns who signed in within this tab, while it lives; undefined where the address names somebody else. */
export function keptSignIn(search: URLSearchParams): Credentials | undefined {
  const kept: unknown = JSON.parse(sessionStorage.getItem(key) ?? 'null');
  if (!isCredentials(kept)) return undefined;
  const named = { appId: search.get('app') ?? kept.appId, userAlias: search.get('alias') ?? kept.userAlias };
  return named.appId === kept.appId && named.userAlias === kept.userAlias ? kept : undefined;
}

export function keepSignIn({ appId, userAlias }: Credentials): void {
  sessionStorage.setItem(key, JSON.stringify({ appId, userAlias }));
}

export function forgetSignIn(): void {
  sessionStorage.removeItem(key);
}

function isCredentials(kept: unknown): kept is Credentials {
  if (typeof kept !== 'object' || kept === null) return false;
  return 'appId' in kept && 'userAlias' in kept && typeof kept.appId === 'string' && typeof kept.userAlias === 'string';
}
