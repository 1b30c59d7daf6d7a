/*
 * Credentials that come together are asked for together; what is wrong with one is that one's alone, and each is asked anew.
 */
import type { AppId } from '@communication-center/contracts';
import { internal } from '@communication-center/contracts/internal';
import { ProblemError } from '@communication-center/service';
import { expect, test } from 'vitest';
import { Authenticator } from './authenticator.js';
import type { CredentialEnds } from './credential-ends.js';
import type { SignInFailures } from './fair-share/sign-in-failures.js';
import type { AllowedOrigins } from './public-door/allowed-origins.js';
import type { Services } from './services.js';
import type { GatewaySettings } from './settings.js';

interface Asked {
  credential: string;
  appId?: string;
}

/** A directory that knows tokens as `<app>.<alias>`. */
function directory() {
  const requests: string[][] = [];
  const holderOf = ({ credential }: Asked) => {
    const [appId, userAlias] = credential.split('.');
    return { kind: 'user', appId, userAlias };
  };
  const ask = async (endpoint: unknown, { body }: { body: Asked & { asked?: Asked[] } }) => {
    requests.push((body.asked ?? [body]).map(({ credential }) => credential));
    if (endpoint === internal.authenticate) return holderOf(body);
    const answerTo = (one: Asked) =>
      one.credential.endsWith('.') ? { refused: 'unauthenticated', detail: 'no' } : { holder: holderOf(one) };
    return { answers: (body.asked ?? []).map(answerTo) };
  };
  const services = { directory: { ask } } as unknown as Services;
  return {
    requests,
    authenticator: new Authenticator(services, {} as AllowedOrigins, {} as CredentialEnds, {} as SignInFailures, {} as GatewaySettings),
  };
}

const whose = (authenticator: Authenticator, credential: string) => authenticator.whose(credential, { appId: 'demo' as AppId });

test('credentials that come together are asked for in one request, and a refusal is for its own alone', async () => {
  const { authenticator, requests } = directory();
  const answers = await Promise.allSettled(['demo.ann', 'demo.', 'demo.bob'].map((one) => whose(authenticator, one)));
  expect(requests).toEqual([['demo.ann', 'demo.', 'demo.bob']]);
  expect(answers).toMatchObject([
    { value: { kind: 'user', appId: 'demo', userAlias: 'ann' } },
    { reason: new ProblemError('unauthenticated', 'no') },
    { value: { userAlias: 'bob' } },
  ]);
});

test('a credential is asked for anew each time, so that a revoked one is refused at once', async () => {
  const { authenticator, requests } = directory();
  await whose(authenticator, 'demo.ann');
  await whose(authenticator, 'demo.ann');
  expect(requests).toEqual([['demo.ann'], ['demo.ann']]);
});

test('what no request of several has room for, or is no credential at all, is no one else’s trouble', async () => {
  const { authenticator, requests } = directory();
  const [wide, long, good] = [`demo.${'ü'.repeat(8000)}`, 'x'.repeat(9000), 'demo.ann'];
  const answers = await Promise.allSettled([wide, long, good].map((one) => whose(authenticator, one)));
  expect(answers.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  expect(answers[1]).toMatchObject({ reason: { code: 'invalid_request' } });
  expect(requests).toEqual([[wide], [good]]);
});
