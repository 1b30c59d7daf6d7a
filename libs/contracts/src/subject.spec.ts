/*
 * Whom a request is for is said between services of two releases that are beside each other for a while: what the other does not know
 * is passed over, and never makes it refuse what it does know.
 */
import { expect, test } from 'vitest';
import { z } from 'zod';
import { keyScopeSchema } from './directory.js';
import { scopesAsSaid, subjectSchema } from './subject.js';

const key = { kind: 'key', appId: 'demo', keyId: 'k1' } as const;
/** As the first release reads a key: any other scope makes it refuse the whole subject. */
const firstRelease = z.object({
  kind: z.literal('key'),
  appId: z.string(),
  keyId: z.string(),
  scopes: z.array(z.enum(['admin', 'users', 'calls', 'presence', 'webhooks'])),
});

test('the first release reads every key that this one speaks for, whatever its scopes', () => {
  for (const scopes of [keyScopeSchema.options, ['tokens'] as const, ['users', 'tokens'] as const]) {
    const said = { ...key, ...scopesAsSaid(scopes) };
    expect(firstRelease.parse(said).scopes).toEqual(scopes.filter((scope) => scope !== 'tokens' && scope !== 'notifications'));
    const { scopes: first, laterScopes = [] } = subjectSchema.parse(said) as { scopes: string[]; laterScopes?: string[] };
    expect([...first, ...laterScopes].sort()).toEqual([...scopes].sort());
  }
});

test('a key of the first release, and scopes of a later one, are read', () => {
  expect(subjectSchema.parse({ ...key, scopes: ['users'] })).toEqual({ ...key, scopes: ['users'] });
  expect(subjectSchema.parse({ ...key, scopes: ['users', 'whisper'], laterScopes: ['tokens', 'shout'] })).toEqual({
    ...key,
    scopes: ['users'],
    laterScopes: ['tokens'],
  });
});

test('an operator is one with a name, or without', () => {
  for (const operator of [{ kind: 'operator' }, { kind: 'operator', holder: 'anna' }])
    expect(subjectSchema.parse(operator)).toEqual(operator);
});
