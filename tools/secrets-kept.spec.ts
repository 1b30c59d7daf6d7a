/*
 * What looks for secrets at the end of a run finds them, however they are written, and takes nothing else for one.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { secretsFound, secretsLeaked } from './launcher/secrets-kept.mjs';

const secret = 'aB3+dEf/gHiJkLmNoPqRsTuVwXyZ0123456789=';
const finds = (text: string, secrets = [secret]) => secretsFound([['the log', text]], secrets);

test.each([
  ['by itself', secret],
  ['in JSON', JSON.stringify({ err: { config: { password: secret } } })],
  ['in an address', `postgresql://center:${encodeURIComponent(secret)}@127.0.0.1/x`],
  ['on a later line', `one\ntwo ${secret}\nthree`],
])('one that is known is found %s, and not told', (_how, text) => {
  const found = finds(text);
  expect(found).toHaveLength(1);
  expect(found.join()).not.toContain('gHiJkLmNo');
});

test.each([
  ['a token', 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJlLW9mLWl0'],
  ['a key', 'cc_0123456789abcdef0123456789'],
  ['the secret of an endpoint', 'whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM='],
  ['the private key of an endpoint', 'whsk_MDEyMzQ1Njc4OWFiY2RlZjAxMjM='],
  ['a bearer', 'authorization: Bearer something-long'],
])('%s that nobody knows is found by its form', (_what, text) => {
  expect(finds(`{"msg":"${text}"}`, [])).toHaveLength(1);
});

test.each([
  '{"msg":"POST /v1/calls","traceId":"0123456789abcdef0123456789abcdef"}',
  'Bearer [secret]',
  '2026-01-01T00:00:00.000Z [1] LOG:  ready',
])('no other line is taken for one: %s', (text) => {
  expect(finds(text, [secret, 'center', ''])).toEqual([]);
});

const folder = () => mkdtempSync(join(tmpdir(), 'kept-'));
let instance: { folder: string; stateFile: string };

beforeEach(() => {
  const made = folder();
  instance = { folder: made, stateFile: join(made, 'instance.json') };
  mkdirSync(join(made, 'logs'));
  const secrets = {
    operatorKey: 'an-operators-key-01',
    jwks: { keys: [{ x: 'public-part-of-a-key' }] },
    privateKeys: { calls: { x: 'public-part-of-a-key', d: 'private-part-of-a-key' } },
  };
  writeFileSync(instance.stateFile, JSON.stringify({ secrets }));
  writeFileSync(join(made, 'secrets-told'), 'told-to-a-test-0123\n');
});

afterEach(() => rmSync(instance.folder, { recursive: true }));

test('the logs of a fleet are looked through for what it has, and for what its tests were told', () => {
  const log = (name: string, text: string) => writeFileSync(join(instance.folder, 'logs', name), text);
  log('calls.log', 'fine\npublic-part-of-a-key\n');
  expect(secretsLeaked(instance)).toEqual([]);
  log('calls.log', 'an-operators-key-01');
  log('media.log', '\nprivate-part-of-a-key');
  // Longer than what is read at once.
  log('sip.log', `${'a line like others\n'.repeat(500_000)}"told-to-a-test-0123"`);
  expect(secretsLeaked(instance).map((where) => where.split(':')[0])).toEqual(
    expect.arrayContaining(['the log calls.log, line 1', 'the log media.log, line 2', 'the log sip.log, line 500001']),
  );
});

test('a command line with a secret is found while its process lives', async () => {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000); console.log(1)', 'an-operators-key-01'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  try {
    await once(child.stdout, 'data');
    expect(secretsLeaked(instance)).toEqual([expect.stringContaining(`command line of process ${child.pid}`)]);
  } finally {
    child.kill();
  }
});
