/*
 * The examples of docs/webhooks.md are run as they stand there: each takes what was signed, and refuses what was changed, old or
 * unsigned. Those for which this machine has no runtime are passed over, and so are those that take long to compile.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createHmac, randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { rolldown } from 'rolldown';
import { afterAll, expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '..');
const page = readFileSync(join(root, 'docs/webhooks.md'), 'utf8');
// Within the project, so that its packages are found.
mkdirSync(join(root, '.run'), { recursive: true });
const folder = mkdtempSync(join(root, '.run/webhook-examples-'));
const running: ChildProcess[] = [];
afterAll(() => {
  for (const one of running) one.kill();
  rmSync(folder, { recursive: true });
});

const examples: [name: string, fence: string, file: string, command: string[]][] = [
  ['Node alone', 'js node', 'node.mjs', [process.execPath]],
  ['Express', 'js express', 'express.mjs', [process.execPath]],
  ['Fastify', 'js fastify', 'fastify.mjs', [process.execPath]],
  ['Python', 'python', 'receiver.py', ['python3']],
];
const secret = `whsec_${randomBytes(32).toString('base64')}`;

function textOf(fence: string): string {
  const [, text] = page.split(`\n\`\`\`${fence}\n`);
  expect(text, `the example in ${fence}`).toBeDefined();
  return (text ?? '').split('\n```\n')[0] ?? '';
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  await new Promise((done) => server.close(done));
  return port;
}

function signed(body: string, at = Date.now(), key = secret): Record<string, string> {
  const timestamp = String(Math.floor(at / 1000));
  const mac = createHmac('sha256', Buffer.from(key.slice('whsec_'.length), 'base64'))
    .update(`id-1.${timestamp}.${body}`)
    .digest('base64');
  return {
    'content-type': 'application/json',
    'webhook-id': 'id-1',
    'webhook-timestamp': timestamp,
    'webhook-signature': `v1,AAAA v1,${mac}`,
  };
}

const ask = (url: string, body: string, headers: Record<string, string>) =>
  fetch(url, { method: 'POST', body, headers, signal: AbortSignal.timeout(5000) }).then(({ status }) => status);

async function untilUp(url: string): Promise<void> {
  for (const end = Date.now() + 40_000; Date.now() < end; ) {
    if (
      await ask(url, '', {}).then(
        () => true,
        () => false,
      )
    )
      return;
    await new Promise((done) => setTimeout(done, 100));
  }
  throw new Error(`nobody answers at ${url}`);
}

const isHere = (command = '') => spawnSync(command, ['--version'], { stdio: 'ignore' }).status === 0;

test.each(examples)(
  'the example for %s believes what was signed, and nothing else',
  async (_name, fence, file, [command = '', ...args]) => {
    const text = textOf(fence);
    if (!isHere(command)) return;
    writeFileSync(join(folder, file), text);
    await judge([command, ...args, join(folder, file)]);
  },
);

test('the example for Nest does, on the server that this project has', async () => {
  const [main, controller] = textOf('ts nest').split('// center.controller.ts\n') as [string, string];
  expect(main).toContain('NestFactory.create(AppModule, {');
  const whole = `import { Module } from '@nestjs/common';
    import { NestFactory } from '@nestjs/core';
    import { FastifyAdapter } from '@nestjs/platform-fastify';
    ${controller}
    @Module({ controllers: [CenterController] })
    class AppModule {}
    ${main.replace('NestFactory.create(AppModule, {', 'NestFactory.create(AppModule, new FastifyAdapter(), {')}
    await app.listen(Number(process.env.PORT));`;
  const [input, file] = [join(folder, 'nest.ts'), join(folder, 'nest.mjs')];
  writeFileSync(input, whole);
  const build = await rolldown({
    input,
    platform: 'node',
    logLevel: 'silent',
    external: /^@(nestjs|communication-center)\//,
    transform: { decorator: { legacy: true } },
  });
  await build.write({ file, format: 'esm' });
  await build.close();
  await judge([process.execPath, file]);
});

/** Runs a receiver, and shows it what was signed and what was not. */
async function judge([command = '', ...args]: string[]): Promise<void> {
  const port = await freePort();
  const child = spawn(command, args, {
    env: { ...process.env, PORT: String(port), WEBHOOK_SECRET: secret },
    stdio: 'ignore',
  });
  running.push(child);
  const url = `http://127.0.0.1:${port}/center`;
  await untilUp(url);
  const body = '{"type":"call.ended","timestamp":"2026-11-28T09:30:00.000Z","data":{"appId":"demo","name":"Zoë"}}';
  expect(await ask(url, body, signed(body))).toBe(204);
  expect(await ask(url, `${body} `, signed(body))).toBe(400);
  expect(await ask(url, body, signed(body, Date.now() - 400_000))).toBe(400);
  expect(await ask(url, body, signed(body, Date.now(), `whsec_${randomBytes(32).toString('base64')}`))).toBe(400);
  expect(await ask(url, body, { 'content-type': 'application/json' })).toBe(400);
}
