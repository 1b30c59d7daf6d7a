/*
 * Viewers of a broadcast, far more than a replica answers, keep nobody out of a call: devices join theirs as before, and whoever watches another broadcast
 * is answered. For npm run check:long: VIEWERS_CROWD=400 says how many there are, each asking each second for the playlist and its newest segment.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { Agent, get } from 'node:http';
import { dirname, join } from 'node:path';
import type { BroadcastView } from '@communication-center/contracts/broadcasts';
import { eventually, Fleet, type TestApp } from '@communication-center/testing';
import { expect, test } from 'vitest';
import { MediaDevice, People } from './media-device.js';

const fleet = new Fleet();
const viewers = Number(process.env.VIEWERS_CROWD ?? 0);
const segmentBytes = 250_000;
const agent = new Agent({ keepAlive: true, maxSockets: 500 });

/** A broadcast that is live, and that nobody makes: its files are those of one of two megabits a second. @returns the address of its playlist. */
async function aBroadcast(app: TestApp): Promise<string> {
  const broadcastId = randomUUID();
  await fleet.query(
    'media',
    `INSERT INTO broadcasts (broadcast_id, call_id, app_id, state, started_at, live_at, expires_at)
     VALUES ($1, gen_random_uuid(), $2, 'live', now(), now(), now() + interval '1 hour') RETURNING 1`,
    [broadcastId, app.appId],
  );
  const folder = join(dirname(process.env.CENTER_INSTANCE_FILE ?? ''), 'broadcasts', broadcastId);
  await mkdir(folder, { recursive: true });
  const names = Array.from({ length: 8 }, (_, index) => `1-0-000000${index}.ts`);
  for (const name of names) await writeFile(join(folder, name), randomBytes(segmentBytes));
  const lines = names.flatMap((name) => [`#EXT-X-PROGRAM-DATE-TIME:${new Date().toISOString()}`, '#EXTINF:1.000000,', name]);
  await writeFile(join(folder, 'live.m3u8'), ['#EXTM3U', '#EXT-X-TARGETDURATION:1', ...lines, ''].join('\n'));
  const { body } = await fleet.rest<BroadcastView>('GET', `/v1/broadcasts/${broadcastId}`, app.key);
  return body.playlistUrl;
}

/** @returns the status and how many bytes came. */
function ask(url: string): Promise<{ status: number; bytes: number }> {
  return new Promise((resolve, reject) => {
    get(url, { agent, timeout: 20_000 }, (response) => {
      let bytes = 0;
      response.on('data', (part: Buffer) => (bytes += part.length));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, bytes }));
      response.on('error', reject);
    })
      .on('timeout', function (this: { destroy: (error: Error) => void }) {
        this.destroy(new Error('no answer'));
      })
      .on('error', reject);
  });
}

/** Somebody who watches, until told: what it was answered goes into `counts`. */
async function watching(playlistUrl: string, goesOn: () => boolean, counts: Map<number, number>): Promise<void> {
  const viewer = randomBytes(12).toString('base64url');
  await new Promise((resolve) => setTimeout(resolve, Math.random() * 1000));
  while (goesOn()) {
    const began = performance.now();
    for (const file of [`live.m3u8?viewer=${viewer}`, '1-0-0000007.ts']) {
      const { status } = await ask(playlistUrl.replace('index.m3u8', file)).catch(() => ({ status: 0 }));
      counts.set(status, (counts.get(status) ?? 0) + 1);
    }
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, 1000 - (performance.now() - began))));
  }
}

/** @returns how long it took a device to be in its call, in milliseconds: the middle of some, and the longest. */
async function joins(people: People, prefix: string): Promise<{ middle: number; longest: number }> {
  const times: number[] = [];
  for (let number = 0; number < 12; number += 1) {
    const dialed = await people.dial(`${prefix}-${number}`, [`${prefix}-other-${number}`]);
    const answered = await people.act('answer', dialed.callId, `${prefix}-other-${number}`);
    const began = performance.now();
    const device = new MediaDevice(People.credentialsIn(answered));
    expect(await device.outcome()).toBe('joined');
    times.push(performance.now() - began);
    device.close();
    await people.act('hang-up', dialed.callId, `${prefix}-${number}`);
  }
  times.sort((one, other) => one - other);
  return { middle: Math.round(times[6] ?? 0), longest: Math.round(times.at(-1) ?? 0) };
}

test.runIf(viewers > 0)(
  'however many watch, devices join their calls, and a broadcast that few watch is answered',
  { timeout: 120_000 },
  async () => {
    const app = await fleet.makeApp();
    const people = new People(fleet, app);
    const [crowded, quiet] = [await aBroadcast(app), await aBroadcast(app)];
    const before = await joins(people, 'before');
    let goesOn = true;
    const [ofCrowd, ofFew] = [new Map<number, number>(), new Map<number, number>()];
    const began = performance.now();
    const all = [
      ...Array.from({ length: viewers }, () => watching(crowded, () => goesOn, ofCrowd)),
      ...Array.from({ length: 5 }, () => watching(quiet, () => goesOn, ofFew)),
    ];
    await eventually('the crowd being answered', () => (ofCrowd.get(200) ?? 0) > 100);
    const during = await joins(people, 'during');
    const figures = await fleet.figuresOf('media');
    goesOn = false;
    await Promise.all(all);
    const seconds = (performance.now() - began) / 1000;
    const told = (counts: Map<number, number>) =>
      [...counts].map(([status, count]) => `${status}: ${Math.round(count / seconds)}/s`).join(', ');
    console.log(
      `${viewers} viewers for ${Math.round(seconds)} s: ${told(ofCrowd)}; of the other broadcast ${told(ofFew)}; joins ${before.middle} ms (${before.longest} at most) before, ` +
        `${during.middle} ms (${during.longest}) beside them; refused ${figures.get('broadcast_requests_refused')}`,
    );
    expect(ofFew.get(503) ?? 0, 'who watches what few watch is answered').toBe(0);
    expect(during.middle).toBeLessThan(before.middle + 1000);
    expect([...ofCrowd.keys()].every((status) => [200, 503, 429].includes(status))).toBe(true);
  },
);
