/*
 * Whoever asks for a stream of events and does not read it costs a page, not what he leaves lying: the memory of webhooks and gateway stays
 * as it was, others read and are told beside him, and when he reads at last he gets everything from where he was, in order.
 */
import { readFileSync } from 'node:fs';
import { get, type IncomingMessage } from 'node:http';
import type { CallReply } from '@communication-center/contracts';
import { EventFollower, eventually, Fleet, type ProcessName, type TestApp } from '@communication-center/testing';
import { expect, test } from 'vitest';

const fleet = new Fleet();
const [events, eventBytes, slow] = [10_000, 2000, 20];

/** Writes events into the app's log, past the topic. */
async function fill(app: TestApp): Promise<void> {
  for (let first = 1; first < events; first += 1000)
    await fleet.query(
      'webhooks',
      `SELECT count(*) FROM place_messages('{}', (SELECT json_agg(json_build_object('messageId', gen_random_uuid(), 'occurredAt', now(), 'appId', $1::text,
         'type', 'call.ended', 'subject', 'call', 'sequence', number, 'source', '/calls', 'dataversion', 1, 'data', json_build_object('filling', repeat('x', $2)))
         ORDER BY number) FROM generate_series($3::int, $3::int + 999) AS number))`,
      [app.appId, eventBytes, first],
    );
}

/** Asks for the stream from its beginning, and takes nothing of the answer: Node reads on only for who asks for it. */
async function askAndLetLie(app: TestApp): Promise<IncomingMessage> {
  const headers = { authorization: `Bearer ${app.key}` };
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    get(new URL('/v1/events/stream?after=start&eventType=call.ended', fleet.url), { headers, agent: false }, resolve).on('error', reject);
  });
  expect(answer.statusCode).toBe(200);
  return answer.on('error', () => undefined);
}

/** @returns the sequences of what an answer brings, until it has brought as many as there are. */
async function readAll(answer: IncomingMessage): Promise<number[]> {
  const found: number[] = [];
  let text = '';
  answer.on('data', (piece) => {
    text += String(piece);
    const told = [...text.matchAll(/"sequence":(\d+)[,}]/g)];
    const last = told.at(-1);
    if (!last) return;
    found.push(...told.map(([, sequence]) => Number(sequence)));
    text = text.slice(last.index + last[0].length);
  });
  await eventually('the last event', () => found.length >= events, 40_000);
  return found;
}

/** Resident memory of every replica, in MB. */
async function memory(): Promise<number> {
  const names: ProcessName[] = [...fleet.replicasOf('webhooks'), ...fleet.replicasOf('gateway')];
  const sizes = await Promise.all(
    names.map(async (name) => {
      const pid = (await fleet.statusOf(name))?.pid;
      return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
    }),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

test('who does not read what he asked for costs a page, holds up nobody, and misses nothing', async () => {
  const app = await fleet.makeApp({ options: { mediaSetupSeconds: 0, eventLog: true } });
  await Promise.all(['alice', 'bob'].map((alias) => fleet.makeUser(app, alias)));
  await eventually('events being kept', async () => (await fleet.rest('GET', '/v1/events', app.key)).status === 200, 20_000);
  await fill(app);
  const before = await memory();
  const lying = await Promise.all(Array.from({ length: slow }, () => askAndLetLie(app)));
  const whole = new EventFollower(fleet.url, app.key, '?after=start&eventType=call.ended');
  await eventually('another reader having all', () => whole.told.length >= events, 40_000);
  const grown = (await memory()) - before;
  // Kept for those who do not read it would be as much as this, and in two processes.
  expect(grown).toBeLessThan((slow * events * eventBytes) / 1024 / 1024 / 2);
  const { body } = await fleet.rest<CallReply>('POST', '/v1/calls', app.key, { userAlias: 'alice', callees: ['bob'] });
  await fleet.rest('POST', `/v1/calls/${body.callId}/end`, app.key);
  await eventually('what is new', () => whole.told.some(({ data }) => data.callId === body.callId), 10_000);
  whole.stop();
  const [late, ...others] = lying as [IncomingMessage, ...IncomingMessage[]];
  for (const one of others) one.destroy();
  const read = await readAll(late);
  expect(read.slice(0, events)).toEqual(Array.from({ length: events }, (_, index) => index + 1));
  late.destroy();
}, 120_000);
