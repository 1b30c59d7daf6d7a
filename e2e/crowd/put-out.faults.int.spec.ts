/*
 * Many devices that are put out by one revocation are out soon, take no more memory of their gateway than so much, and the others notice
 * nothing.
 */
import { readFileSync } from 'node:fs';
import type { AppSecretView } from '@communication-center/contracts';
import { eventually, Fleet, type TestApp } from '@communication-center/testing';
import { afterAll, expect, test } from 'vitest';
import { Crowd } from './crowd.js';

const count = Number(process.env.CROWD ?? 400);
const patience = 30_000 + 60 * count;
const fleet = new Fleet();
const crowds: Crowd[] = [];

afterAll(async () => {
  for (const crowd of crowds) await crowd.vanish();
});

async function gather(app: TestApp, prefix: string, size: number): Promise<Crowd> {
  const crowd = await Crowd.open(fleet.url, app, { prefix, count: size });
  crowds.push(crowd);
  return crowd;
}

/** @returns what a process takes of the machine's memory, in MB. */
async function residentMb(): Promise<number> {
  const pid = (await fleet.statusOf('gateway'))?.pid;
  return (Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]) * 4096) / 1e6;
}

// Of a few e2e/credentials-end tells it in npm test; a crowd is for npm run check:long.
test.skipIf(process.env.CROWD === undefined)(
  'a secret that signed for a crowd is revoked: all of them are out, and nobody else is',
  async () => {
    const app = await fleet.makeApp();
    const other = await fleet.rest<AppSecretView>('POST', `/v1/apps/${app.appId}/secrets`, fleet.state.secrets.operatorKey, {});
    const others = await gather({ ...app, secret: other.body }, 'stays', 40);
    others.ping();
    const crowd = await gather(app, 'leaves', count);
    await others.report();
    const before = await residentMb();
    let most = before;
    const sampling = setInterval(() => void residentMb().then((mb) => (most = Math.max(most, mb))), 50);
    const from = performance.now();
    const { status } = await fleet.rest('DELETE', `/v1/apps/${app.appId}/secrets/${app.secret.kid}`, fleet.state.secrets.operatorKey);
    expect(status).toBe(204);
    await eventually('all of them being out', async () => (await crowd.report()).closed.length === count, patience).finally(() =>
      clearInterval(sampling),
    );
    const tookMs = performance.now() - from;
    const { closed } = await crowd.report();
    expect([closed.length, new Set(closed)]).toEqual([count, new Set([4001])]);
    const left = () =>
      fleet.query('gateway', "SELECT 1 FROM sessions WHERE app_id = $1 AND about->>'userAlias' LIKE 'leaves-%'", [app.appId]);
    await eventually('their sessions being closed', async () => (await left()).length === 0, patience);
    const { open, closed: ofOthers, pongs } = await others.report();
    console.log(
      `${count} put out in ${tookMs.toFixed(0)} ms; the gateway took ${(most - before).toFixed(1)} MB more meanwhile (${before.toFixed(0)} before); the longest ping of others ${Math.max(...pongs).toFixed(0)} ms`,
    );
    expect([open, ofOthers]).toEqual([40, []]);
    // They are told within 2 s; then each takes its part of a processor that tests share.
    expect(tookMs).toBeLessThan(4000 + 3 * count);
    expect(most - before, 'MB more').toBeLessThan(32 + 0.02 * count);
    expect(Math.max(...pongs), 'a ping of the others').toBeLessThan(1000 + count / 2);
  },
  3 * patience,
);
