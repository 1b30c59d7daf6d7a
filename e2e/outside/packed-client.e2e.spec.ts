/*
 * The SDK as integrators get it: installed from its tarball into an empty project it type-checks as strictly as can be, and the
 * same code makes a call in Node 20, in Node 24 and in a page of another origin.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Browsers, Fleet, Phones, type TestApp } from '@communication-center/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { callOnce, Wanted, Went } from './app.js';
import { node20, OutsideProject, packClient } from './project.js';
import { WebServer } from './web-server.js';

const fleet = new Fleet();
const phones = new Phones(fleet);
const browsers = new Browsers();
const project = new OutsideProject();
const site = new WebServer(project.folder);
const packed = mkdtempSync(join(tmpdir(), 'communication-center-packed-'));
let app: TestApp;
const wentWell: Went = { connected: true, reason: 'hung_up', outcome: 'answered' };

beforeAll(async () => {
  const installing = packClient(packed)
    .then((tarball) => project.install(tarball))
    .then(() => project.compile(['app.ts', 'node.ts']));
  app = await fleet.makeApp();
  await fleet.makeUser(app, 'bob');
  const bob = await phones.connect(app, 'bob');
  bob.center.on('incomingCall', (call) => void call.answer());
  await installing;
}, 240_000);

afterAll(async () => {
  phones.closeAll();
  site.stop();
  await browsers.quit();
  project.remove();
  rmSync(packed, { recursive: true });
});

async function wantedBy(userAlias: string): Promise<Wanted> {
  return { connect: { url: fleet.url, appId: app.appId, userAlias, token: await fleet.tokenOf(app, userAlias) }, callee: 'bob' };
}

test('in Node 20, with a WebSocket handed in', async () => {
  const wanted = { ...(await wantedBy('node-20')), ws: true };
  expect(await project.runWith<Went>(await node20(), 'built/node.js', wanted)).toEqual(wentWell);
}, 120_000);

test('in Node 20 without one, it says what is missing', async () => {
  const running = project.runWith(await node20(), 'built/node.js', await wantedBy('node-20'));
  await expect(running).rejects.toThrow('this platform has no WebSocket');
}, 120_000);

test('in Node 24, which has a WebSocket', async () => {
  expect(await project.runWith<Went>(process.execPath, 'built/node.js', await wantedBy('node-24'))).toEqual(wentWell);
}, 120_000);

test('in a page of another origin, with a bare alias', async () => {
  const page = await browsers.page(await site.start());
  await page.waitForFunction(() => 'callOnce' in window);
  const wanted: Wanted = { connect: { url: fleet.url, appId: app.appId, userAlias: 'page' }, callee: 'bob' };
  const went = await page.evaluate((asked) => (window as unknown as { callOnce: typeof callOnce }).callOnce(asked), wanted);
  expect(went).toEqual(wentWell);
}, 120_000);
