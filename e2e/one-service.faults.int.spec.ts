/*
 * One service is developed in a running fleet: `npm run dev -- calls` runs it from its sources, in the same place and with the same
 * settings, starts it anew at each save, and gives it back, however it ends. The rest goes on.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, statSync, utimesSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { eventually, Fleet } from '@communication-center/testing';
import { afterEach, beforeAll, expect, test } from 'vitest';

/** Part of `npm run check:long`: it waits for compilers. */
const long = test.skipIf(!process.env.ONE_SERVICE);
const fleet = new Fleet();
const source = fileURLToPath(new URL('../apps/calls/src/main.ts', import.meta.url));
const replicas = fleet.replicasOf('calls');
const times = statSync(source);
let key = '';
let borrower: ChildProcess | undefined;
let said = '';

beforeAll(async () => {
  const app = await fleet.makeApp();
  key = app.key;
  for (const alias of ['ann', 'ben']) await fleet.makeUser(app, alias);
});

afterEach(async () => {
  borrower?.kill('SIGKILL');
  utimesSync(source, times.atime, times.mtime);
  await eventually('calls being given back', () => allRun('/dist/calls.js'), 30_000);
  await fleet.ready('calls');
});

function borrow(...names: string[]): ChildProcess {
  said = '';
  const script = fileURLToPath(new URL('../tools/dev.mjs', import.meta.url));
  borrower = spawn(process.execPath, [script, ...names], { env: { ...process.env, CENTER_INSTANCE: 'test' } });
  for (const stream of [borrower.stdout, borrower.stderr]) stream?.on('data', (data) => (said += String(data)));
  return borrower;
}

async function pids(): Promise<number[]> {
  const all = await Promise.all(replicas.map((replica) => fleet.statusOf(replica)));
  return all.map((one) => one?.pid ?? 0);
}

/** Whether every replica of calls runs from this file. */
async function allRun(file: string): Promise<boolean> {
  return (await pids()).every((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(file));
}

/** A call passes the gateway, calls, PostgreSQL, Kafka: what is borrowed is one of the fleet. */
async function expectCallToWork(): Promise<void> {
  const call = { userAlias: 'ann', deviceId: 'desk', callees: ['ben'] };
  const dialed = await fleet.rest<{ callId: string }>('POST', '/v1/calls', key, call);
  expect(dialed.status, JSON.stringify(dialed.body)).toBe(201);
  const cancelled = await fleet.rest('POST', `/v1/calls/${dialed.body.callId}/hang-up`, key, { userAlias: 'ann', deviceId: 'desk' });
  expect(cancelled.status).toBe(200);
}

long(
  'a borrowed service runs from its sources among the rest, starts anew when one is saved, and is given back at Ctrl-C',
  async () => {
    const dev = borrow('calls');
    await eventually('calls being ready from its sources', () => said.includes('calls is ready, from its sources'), 40_000);
    expect(await allRun('apps/calls/dist/main.js')).toBe(true);
    await expectCallToWork();
    const before = await pids();
    utimesSync(source, new Date(), new Date());
    await eventually('another start', () => said.split('calls is ready, from its sources').length > 2, 40_000);
    expect(said).toContain('saved: apps/calls/src/main.ts');
    expect((await pids()).some((pid) => before.includes(pid))).toBe(false);
    expect(await allRun('apps/calls/dist/main.js')).toBe(true);
    await expectCallToWork();
    const ended = once(dev, 'exit');
    dev.kill('SIGINT');
    expect(await ended, said).toEqual([0, null]);
    expect(await allRun('/dist/calls.js')).toBe(true);
    expect(said).toContain('given back: calls');
    await expectCallToWork();
  },
  120_000,
);

long(
  'nobody else may borrow what is borrowed, and it comes back by itself when its borrower is killed',
  async () => {
    const dev = borrow('calls');
    await eventually('calls being ready from its sources', () => said.includes('calls is ready, from its sources'), 40_000);
    const other = borrow('calls');
    const [code] = await once(other, 'exit');
    expect(code, said).toBe(1);
    expect(said).toContain(`by process ${dev.pid}`);
    expect(await allRun('apps/calls/dist/main.js')).toBe(true);
    dev.kill('SIGKILL');
    await eventually('calls running from its bundle', () => allRun('/dist/calls.js'), 30_000);
    await fleet.ready('calls');
    await expectCallToWork();
  },
  120_000,
);
