/*
 * The library for receivers as integrators get it: out of its tarball, in an empty project, type-checked as strictly as can be, and run.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '..');
const folder = mkdtempSync(join(tmpdir(), 'communication-center-receiver-'));
afterAll(() => rmSync(folder, { recursive: true }));

const receiver = `
import { createHmac } from 'node:crypto';
import { verify, WebhookError, type WebhookErrorCode, type WebhookMessage } from '@communication-center/server';

const secret = 'whsec_' + Buffer.alloc(32, 7).toString('base64');
const body = '{"type":"call.ended","timestamp":"2026-11-28T09:30:00.000Z","data":{"appId":"demo","sequence":5}}';
const timestamp = String(Math.floor(Date.now() / 1000));
const mac = createHmac('sha256', Buffer.alloc(32, 7)).update('id.' + timestamp + '.' + body).digest('base64');
const headers = { 'webhook-id': 'id', 'webhook-timestamp': timestamp, 'webhook-signature': 'v1,' + mac };
const message: WebhookMessage = verify(body, headers, [secret], { toleranceSeconds: 60 });
let code: WebhookErrorCode | undefined;
try {
  verify(Buffer.from(body + ' '), new Headers(headers), secret);
} catch (error) {
  if (error instanceof WebhookError) code = error.code;
}
console.log(JSON.stringify([message.data.sequence, code]));
`;

test('it needs nothing else, has its types, and works', () => {
  const tarball = execFileSync(process.execPath, [join(root, 'tools/pack-server.mjs'), folder], { encoding: 'utf8' }).trim();
  const installed = join(folder, 'node_modules/@communication-center/server');
  mkdirSync(installed, { recursive: true });
  execFileSync('tar', ['xzf', tarball, '-C', installed, '--strip-components', '1']);
  mkdirSync(join(folder, 'node_modules/@types'));
  for (const types of ['@types/node', 'undici-types']) symlinkSync(join(root, 'node_modules', types), join(folder, 'node_modules', types));
  const compilerOptions = { strict: true, exactOptionalPropertyTypes: true, module: 'nodenext', target: 'es2022', types: ['node'] };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['receiver.ts'] }));
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'outside', private: true, type: 'module' }));
  writeFileSync(join(folder, 'receiver.ts'), receiver);
  execFileSync(join(root, 'node_modules/.bin/tsc'), ['-p', '.'], { cwd: folder, stdio: 'inherit' });
  expect(JSON.parse(execFileSync(process.execPath, ['receiver.js'], { cwd: folder, encoding: 'utf8' }))).toEqual([5, 'signature_mismatch']);
});
