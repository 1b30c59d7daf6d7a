/*
 * The page works within what the door lets it do: nobody's policy is broken while people call, decline, look at the wall and answer. And
 * what is not of the page is kept out: a script that somebody slips in does not run, a stranger's page shows it in no frame.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Browsers, eventually, Fleet, type TestApp } from '@communication-center/testing';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { answer, connected, dial, hangUp, pageOf } from './phone-page.js';

const fleet = new Fleet();
const browsers = new Browsers();
let app: TestApp;

beforeAll(async () => {
  app = await fleet.makeApp();
});

afterEach(() => browsers.closeAll());
afterAll(() => browsers.quit());

/** Notes what breaks the page's policy, as the browser tells it. */
function watch(page: Page): string[] {
  const told: string[] = [];
  page.on('console', (message) => {
    if (/Content.Security.Policy|Refused to/i.test(message.text())) told.push(message.text());
  });
  page.on('pageerror', ({ message }) => told.push(message));
  return told;
}

const broken = (page: Page) => page.evaluate(() => (window as unknown as { broken: string[] }).broken);
const listen = (page: Page) =>
  page.evaluate(() => {
    const found: string[] = [];
    Object.assign(window, { broken: found });
    document.addEventListener('securitypolicyviolation', (event) => found.push(`${event.violatedDirective} ${event.blockedURI}`));
  });

test('nothing that people do breaks the policy of the page', async () => {
  const [alice, bob] = await Promise.all(['alice', 'bob'].map((who) => pageOf(browsers, fleet, app, who)));
  if (!alice || !bob) throw new Error('two pages were opened');
  const told = [...[alice, bob].map(watch)];
  await Promise.all([alice, bob].map(listen));
  await dial(alice, 'bob');
  await bob.getByRole('button', { name: 'Decline with a reason' }).click();
  await bob.getByRole('button', { name: 'I am busy' }).click();
  await alice.getByText('bob declined: is busy').first().waitFor();
  await dial(alice, 'bob');
  await answer(bob);
  await connected(alice);
  // Its media socket is another door's, and is let through.
  await eventually('a picture of the other', async () => (await alice.locator('video:not(.no-picture)').count()) === 2, 20_000);
  await bob.getByRole('navigation').getByRole('button', { name: 'People' }).click();
  await bob.getByText('talks with').first().waitFor();
  await hangUp(alice, [bob], 'alice');
  expect(await Promise.all([alice, bob].map(broken))).toEqual([[], []]);
  expect(told.flat()).toEqual([]);
});

test('a script that is slipped into the page does not run, and nothing is sent elsewhere', async () => {
  const page = await browsers.page(fleet.url);
  await listen(page);
  const ran = await page.evaluate(async () => {
    const script = document.createElement('script');
    script.textContent = 'window.ran = true';
    document.body.append(script);
    const image = document.createElement('div');
    image.innerHTML = '<img src="data:image/png;base64,AA" onerror="window.ran = true">';
    document.body.append(image);
    const sent = await fetch('https://elsewhere.example.com/', { mode: 'no-cors' }).then(
      () => true,
      () => false,
    );
    await new Promise((done) => setTimeout(done, 200));
    return { ran: 'ran' in window, sent };
  });
  expect(ran).toEqual({ ran: false, sent: false });
  const told = (await broken(page)).map((one) => one.split(' ')[0]);
  expect(told).toEqual(expect.arrayContaining(['script-src-elem', 'connect-src']));
});

test("a stranger's page shows it in no frame", async () => {
  const stranger = createServer((_request, response) => {
    response.setHeader('content-type', 'text/html').end(`<iframe src="${fleet.url}/" title="framed"></iframe>`);
  }).listen(0, '127.0.0.1');
  await once(stranger, 'listening');
  try {
    const page = await browsers.page(`http://127.0.0.1:${(stranger.address() as AddressInfo).port}/`);
    const frame = page.frames().find((one) => one !== page.mainFrame());
    await eventually('the frame being refused', async () => frame?.url().startsWith('chrome-error:'));
    expect(await frame?.locator('input').count()).toBe(0);
  } finally {
    stranger.closeAllConnections();
    stranger.close();
  }
});
