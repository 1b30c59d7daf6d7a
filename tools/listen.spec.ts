/*
 * `npm run cc -- listen` posts what a stream tells, signed as webhooks are, one after the other; goes on where it was when the stream
 * breaks off; says what is missing; ends on a signal, and at once where it is refused.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { resolve } from 'node:path';
import { verify } from '@communication-center/server';
import { afterEach, beforeEach, expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '..');
const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
let server: Server;
let asked: string[];
let kept: string[];
let keeps: number;
let delivered: { type: string; data: { sequence: number } }[];
let serve: (response: ServerResponse, request: IncomingMessage) => void;
let child: ChildProcess;
let said: string;
let ended: Promise<number | null>;

const event = (sequence: number) => {
  const told = {
    id: `0000000${sequence}`,
    cursor: `c${sequence}`,
    type: 'call.ended',
    timestamp: '2026-11-28T09:30:00.000Z',
    data: { appId: 'a', sequence },
  };
  return `event: call.ended\nid: c${sequence}\ndata: ${JSON.stringify(told)}\n\n`;
};
const stream = (response: ServerResponse, ...blocks: string[]) =>
  response.writeHead(200, { 'content-type': 'text/event-stream' }).write(blocks.join(''));
const refuse = (response: ServerResponse, status: number, problem: object) =>
  response.writeHead(status, { 'content-type': 'application/problem+json' }).end(JSON.stringify(problem));

/** Has the app's events kept. */
async function keep(response: ServerResponse, request: IncomingMessage): Promise<void> {
  let body = '';
  for await (const piece of request) body += String(piece);
  kept.push(`${request.url} ${body}`);
  response.writeHead(keeps, { 'content-type': 'application/json' }).end(JSON.stringify({ detail: 'It has as many as it may' }));
}

beforeEach(async () => {
  [kept, keeps] = [[], 200];
  [asked, delivered, said] = [[], [], ''];
  server = createServer(async (request, response) => {
    if (request.url !== '/hook') {
      if (request.method === 'PUT') return keep(response, request);
      asked.push(new URL(request.url ?? '', 'http://x').search);
      return serve(response, request);
    }
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece as Buffer);
    delivered.push(verify(Buffer.concat(pieces), request.headers, secret));
    return response.writeHead(204).end();
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
});
afterEach(async () => {
  child.kill('SIGKILL');
  server.closeAllConnections();
  await new Promise((done) => server.close(done));
});

function listen(...more: string[]): void {
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const env = { ...process.env, CENTER_URL: url, CENTER_API_KEY: 'key', WEBHOOK_SECRET: secret };
  child = spawn(process.execPath, ['tools/cc.mjs', 'listen', '--forward-to', `${url}/hook`, ...more], { cwd: root, env });
  for (const output of [child.stdout, child.stderr]) output?.on('data', (text) => (said += String(text)));
  ended = new Promise((done) => child.once('exit', done));
}

async function until(what: string, isSo: () => boolean): Promise<void> {
  for (const end = Date.now() + 8000; !isSo(); ) {
    if (Date.now() > end) throw new Error(`${what} did not come; it said: ${said}`);
    await new Promise((done) => setTimeout(done, 20));
  }
}

test('it delivers in order, goes on after a break where it was, passes over what is kept no more, and ends on Ctrl-C', async () => {
  serve = (response) => {
    if (asked.length === 1) {
      stream(response, ': here\nid: c0\n\n', event(1), event(2));
      setTimeout(() => response.destroy(), 200);
    } else if (asked.length === 2) refuse(response, 410, { code: 'position_expired', skipped: 3, oldest: 'c5' });
    else stream(response, event(6));
  };
  listen('--types', 'call.ended,presence.*', '--from', 'start');
  await until('the third', () => delivered.length === 3);
  expect(delivered.map(({ data }) => data.sequence)).toEqual([1, 2, 6]);
  expect(kept).toEqual(['/v1/events/consumers/listen {"eventTypes":["call.ended","presence.*"]}']);
  const types = '?eventType=call.ended&eventType=presence.*';
  expect(asked).toEqual([`${types}&after=start`, `${types}&after=c2`, `${types}&after=c5`]);
  await until('the lines', () => said.includes('00000006: 204'));
  expect(said).toContain('3 events are kept no more');
  child.kill('SIGINT');
  expect(await ended).toBe(0);
}, 20_000);

test('who is refused is told why, and nothing more is asked', async () => {
  serve = (response) => refuse(response, 409, { code: 'events_not_kept', detail: 'Set the option eventLog' });
  listen();
  expect(await ended).toBe(1);
  expect([asked, said.includes('Set the option eventLog')]).toEqual([['?after=end'], true]);
}, 20_000);

test('where its events cannot be kept, that is said, and no stream is asked for', async () => {
  keeps = 409;
  listen();
  expect(await ended).toBe(1);
  expect([asked, said.includes('It has as many as it may')]).toEqual([[], true]);
}, 20_000);
