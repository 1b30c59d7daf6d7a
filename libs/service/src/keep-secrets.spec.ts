/*
 * No secret stands in a log line: neither one that a service was given, however it is written there, nor what tells by its form that
 * it is one.
 */
import fc from 'fast-check';
import { pino } from 'pino';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { keepingSecrets, secretsOfSettings } from './keep-secrets.js';

const secret = () => z.string().meta({ secret: true });
const schema = z.object({ DATABASE_URL: secret(), KEY: secret(), JWK: secret(), SHORT: secret(), HOST: z.string() });
const jwk = JSON.stringify({ kty: 'OKP', crv: 'Ed25519', kid: 'calls-1', d: 'aVeryPrivatePartOfAKey' });
const environment = {
  DATABASE_URL: 'postgresql://center:p%40ssword-in-url@db.example.com:5432/center',
  KEY: 'quoted"and\\slashed-key',
  JWK: jwk,
  SHORT: 'center',
  HOST: 'db.example.com',
};

/** @returns what a logger that keeps these secrets writes. */
function written(write: (logger: ReturnType<typeof pino>) => void): string {
  let said = '';
  const streamWrite = keepingSecrets(secretsOfSettings(schema, environment));
  write(pino({ name: 'test', hooks: { streamWrite } }, { write: (line: string) => (said += line) }));
  return said;
}

describe('what a service was given', () => {
  test('stands in no line, wherever an error holds it', () => {
    const error = Object.assign(new Error(`connecting to ${environment.DATABASE_URL} failed`), {
      config: { key: environment.KEY, jwk, nested: [JSON.stringify({ again: environment.KEY })] },
      cause: new Error('p@ssword-in-url'),
    });
    const said = written((logger) => logger.error({ err: error, private: 'aVeryPrivatePartOfAKey' }, 'cannot start'));
    for (const hidden of ['ssword-in-url', 'slashed-key', 'aVeryPrivatePartOfAKey']) expect(said).not.toContain(hidden);
    expect(JSON.parse(said)).toMatchObject({ msg: 'cannot start', name: 'test', private: '[secret]' });
  });

  test('is hidden whatever letters it is made of', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 8, unit: 'binary' }), fc.string(), (hidden, around) => {
        fc.pre(hidden.isWellFormed() && !around.includes(hidden));
        const keep = keepingSecrets([hidden]);
        const line = keep(JSON.stringify({ message: around + hidden + around }));
        expect((JSON.parse(line) as { message: string }).message).not.toContain(hidden);
      }),
    );
  });

  test('leaves JSON behind where it is cut out between backslashes', () => {
    const line = keepingSecrets(['\0 ### ## '])(JSON.stringify({ message: '\\\0 ### ## ' }));
    expect(JSON.parse(line)).toEqual({ message: '\\[secret]' });
  });

  test('is left where it is a word like others', () => {
    expect(written((logger) => logger.info('communication-center is ready'))).toContain('communication-center is ready');
  });
});

describe('what looks like one', () => {
  test.each([
    ['a bearer', 'authorization: Bearer abc.DEF-123_456~+/=', 'abc.DEF'],
    ['a token', 'signed in with eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJlLW9mLWl0', 'eyJ'],
    ['a key of an app', 'key cc_0123456789abcdefABCDEF_-xyz', '0123456789'],
    ['a key of the operator', 'key op_dev-only-0123456789abcdef', '0123456789'],
    ['the secret of an endpoint', 'whsec_MDEyMzQ1Njc4OWFiY2RlZg==', 'MDEy'],
    ['the private key of an endpoint', 'whsk_MDEyMzQ1Njc4OWFiY2RlZg==', 'MDEy'],
    ['a password in an address', 'smtp://user:pass-word@mail.example.com:587', 'pass-word'],
  ])('%s is hidden, and its line stays', (_what, text, hidden) => {
    const said = written((logger) => logger.warn({ err: new Error(text) }, text));
    expect(said).not.toContain(hidden);
    expect((JSON.parse(said) as { msg: string }).msg).toContain('[secret]');
  });

  test.each(['http://127.0.0.1:4000/v1/calls', 'redis://cache:6379', '2026-01-01T00:00:00Z', 'alice@example.com', 'cc_short'])(
    '%s is none',
    (text) => {
      expect(written((logger) => logger.info(text))).toContain(`"msg":"${text}"`);
    },
  );
});

test('a line without one is not looked at for long', () => {
  const keep = keepingSecrets(secretsOfSettings(schema, environment));
  const line = JSON.stringify({ level: 30, traceId: '0123456789abcdef'.repeat(2), appId: 'shop', msg: 'POST /v1/calls' }).padEnd(300);
  const timed = () => {
    const began = performance.now();
    for (let times = 0; times < 2000; times += 1) keep(line);
    return (performance.now() - began) / 2;
  };
  // The least of several: others may be at work on these processors.
  expect(Math.min(...Array.from({ length: 10 }, timed)), 'microseconds').toBeLessThan(10);
});
