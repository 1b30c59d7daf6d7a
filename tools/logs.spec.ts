/*
 * What the services wrote of one trace is found with one command, in the order of time, whichever process wrote it and however
 * much else there is.
 */
import { spawnSync } from 'node:child_process';
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';

const tool = fileURLToPath(new URL('logs.mjs', import.meta.url));
const trace = '4bf92f3577b34da6a3ce929d0e0e4736';
const other = '0af7651916cd43dd8448eb211c80319c';
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'logs-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const line = (time: number, msg: string, more: object = {}) => `${JSON.stringify({ level: 30, time, msg, ...more })}\n`;
const write = (process: string, ...lines: string[]) => appendFileSync(join(folder, `${process}.log`), lines.join(''));

function logs(...args: string[]): { told: string[]; status: number | null; said: string } {
  const { stdout, stderr, status } = spawnSync(process.execPath, ['--max-old-space-size=24', tool, '--folder', folder, '--json', ...args], {
    encoding: 'utf8',
  });
  const told = stdout.split('\n').filter(Boolean);
  return { told: told.map((text) => (JSON.parse(text) as { msg: string }).msg), status, said: stderr };
}

test('a trace is told in the order of time, by all processes, whether a line is of it alone or of several', () => {
  write('gateway', line(1, 'asked', { traceId: trace }), line(2, 'other', { traceId: other }), line(6, 'told', { traceId: trace }));
  write('calls-2', line(3, 'decided', { traceId: trace }), 'a line that another program wrote\n', line(4, 'about nothing'));
  write('presence', line(5, 'handled', { traceId: other, traceIds: [other, trace] }));
  const all = ['asked', 'decided', 'handled', 'told'];
  expect(logs('--trace', trace)).toEqual({ told: all, status: 0, said: '' });
  expect(logs('--trace', `00-${trace}-b7ad6b7169203331-01`).told).toEqual(all);
  expect(logs('--trace', trace, '--service', 'calls').told).toEqual(['decided']);
});

test('a name in what a line says is not taken for what it is about', () => {
  write('calls', line(1, `mentions ${trace} and c1`), line(2, 'is of it', { callId: 'c1', appId: 'a' }), line(3, 'no', { callId: 'c12' }));
  expect(logs('--call', 'c1').told).toEqual(['is of it']);
  expect(logs('--app', 'a').told).toEqual(['is of it']);
  expect(logs('--trace', trace)).toMatchObject({ told: [], status: 1, said: expect.stringContaining('No line') });
});

test('a log that is larger than the memory is read all the same', () => {
  const much = line(1, 'other', { traceId: other, padding: 'x'.repeat(1000) }).repeat(1000);
  for (let megabytes = 0; megabytes < 60; megabytes += 1) write('gateway', much);
  write('gateway', line(2, 'the last', { traceId: trace }));
  expect(logs('--trace', trace).told).toEqual(['the last']);
});

test('people read when, who, how grave, what, and what it is about', () => {
  writeFileSync(join(folder, 'calls.log'), line(0, 'answered', { traceId: trace, status: 409, err: { stack: 'Error: no\n at x' } }));
  const { stdout } = spawnSync(process.execPath, [tool, '--folder', folder], { encoding: 'utf8' });
  expect(stdout).toBe(`1970-01-01T00:00:00.000 calls           info  answered  trace=${trace} status=409\n    Error: no\n     at x\n`);
});
