import { createHmac, randomBytes } from 'node:crypto';
import { type ApiKeyView, apiKeyBodySchema } from '@communication-center/contracts';
import { eventually, type Fleet, type TestApp } from '@communication-center/testing';

/** Whom the matrices of frames and streams are about, and who may stand at a door in their place. */
export interface Askers {
  /** The app whose things are asked for, and another one. */
  mine: TestApp;
  theirs: TestApp;
  /** Credentials that are good: of the user, of another user of her app, and of one of another app. */
  tokens: { rita: string; otto: string; mallory: string };
  /** A key of each scope alone, by its scope: of the contract itself, so that a scope that is added is tried. */
  keys: Record<string, string>;
  /** Credentials by which nobody is a user of the app, by what is wrong with them. */
  bad: Record<string, { userAlias: string; token: string }>;
}

/** Every scope a key may have. */
export const scopes = apiKeyBodySchema.shape.scopes.unwrap().element.options;

const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');

/** Signs a user token as an app's server does. @param from when it is issued and when it ends, in seconds from now. */
export function signed(userAlias: string, { kid, secret = '' }: { kid: string; secret?: string }, [from, to] = [0, 3600]): string {
  const now = Math.floor(Date.now() / 1000);
  const text = `${part({ alg: 'HS256', kid })}.${part({ sub: userAlias, iat: now + from, exp: now + to })}`;
  return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`;
}

/** Makes two apps, the people in them, and every credential there is. */
export async function makeAskers(fleet: Fleet): Promise<Askers> {
  const strict = { trustsBareAlias: false, options: { mediaSetupSeconds: 0, usersMayRecord: true } };
  const [mine, theirs] = await Promise.all([fleet.makeApp(strict), fleet.makeApp(strict)]);
  await fleet.makeUser(mine, 'rita-of-mine', { name: 'Rita of Mine', email: 'rita@mine.example.com' });
  for (const name of ['alice-of-mine', 'otto-of-mine', 'rex-of-mine']) await fleet.makeUser(mine, name);
  await fleet.makeUser(theirs, 'mallory');
  const keys = await Promise.all(
    scopes.map(async (scope) => {
      const made = await fleet.rest<ApiKeyView>('POST', `/v1/apps/${mine.appId}/api-keys`, mine.key, { name: scope, scopes: [scope] });
      return [scope, made.body.secret ?? ''] as const;
    }),
  );
  const tokens = {
    rita: signed('rita-of-mine', mine.secret),
    otto: signed('otto-of-mine', mine.secret),
    mallory: signed('mallory', theirs.secret),
  };
  const revoked = signed('rex-of-mine', mine.secret);
  await fleet.rest('POST', '/v1/users/rex-of-mine/revoke', mine.key);
  // Presence hears of them by the log.
  await eventually('everybody being known', async () => (await fleet.rest('GET', '/v1/presence/rex-of-mine', mine.key)).status === 200);
  const asRita = (token: string) => ({ userAlias: 'rita-of-mine', token });
  const ofKeys = keys.map(([scope, key]) => [`a key for ${scope}`, asRita(key)]);
  return {
    mine,
    theirs,
    tokens,
    keys: Object.fromEntries(keys),
    bad: {
      'a token that has expired': asRita(signed('rita-of-mine', mine.secret, [-7200, -3600])),
      'a token that was revoked': { userAlias: 'rex-of-mine', token: revoked },
      'a token that no secret signed': asRita(
        signed('rita-of-mine', { kid: mine.secret.kid, secret: randomBytes(32).toString('base64url') }),
      ),
      "a token that another app's secret signed": asRita(signed('rita-of-mine', theirs.secret)),
      "a token of another app's user": asRita(tokens.mallory),
      'the token of another user': asRita(tokens.otto),
      "another app's key": asRita(theirs.key),
      "the operator's key": asRita(fleet.state.secrets.operatorKey),
      'what is no credential': asRita('nonsense'),
      ...Object.fromEntries(ofKeys),
    },
  };
}

/** @returns an answer as text, with the names of what was asked for left out: by it nobody can tell one thing from another. */
export function withoutNames(answer: unknown, names: readonly string[]): string {
  const bare = JSON.stringify(answer, (key, value: unknown) =>
    key === 'traceId' || key === 'instance' || key === 'id' ? undefined : value,
  );
  return names.reduce((text, name) => text.replaceAll(name, '…'), bare ?? '');
}
